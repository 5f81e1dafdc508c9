import GRDB
import Synchronization

/// The one writer of the metadata: a queue of changes, emptied by one thread.
///
/// Only that thread writes to the database, from `run` on.
final class MetadataWriter: Sendable {
    /// Most changes that may wait: 1,000 connections with one request in flight each, and room for
    /// what groups write on their own.
    static let capacity = 16_384

    /// One waiting change.
    struct Change: Sendable {
        /// Checks and writes; returns what to call once the transaction is committed.
        ///
        /// Throws only if the transaction has to be rolled back.
        let apply: @Sendable (Database, inout MetadataImage) throws -> @Sendable () -> Void
        /// Reports that the transaction failed.
        let fail: @Sendable (BrokerError) -> Void
    }

    let inbox = Inbox<Change>(capacity: capacity)
    /// How many transactions were committed; for tests and statistics.
    let commitCount = Atomic<Int>(0)
    let database: DatabaseQueue

    init(database: DatabaseQueue) { self.database = database }

    /// Queues a change.
    ///
    /// - Parameters:
    ///   - completion: Called once, on the writer thread after the commit, or at once if there
    ///     is no room.
    ///   - change: Runs on the writer thread inside a transaction, with the image as it will be
    ///     after the changes before it. To refuse, it throws a `BrokerError` before it has
    ///     changed anything.
    func submit<Value: Sendable>(
        completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void,
        _ change: @escaping @Sendable (Database, inout MetadataImage) throws -> Value
    ) {
        let queued = Change { database, image in
            do {
                let value = try change(database, &image)
                return { completion(.success(value)) }
            } catch let refusal as BrokerError {
                return { completion(.failure(refusal)) }
            }
        } fail: {
            completion(.failure($0))
        }
        switch inbox.push(queued) {
        case .accepted: break
        case .full: completion(.failure(.tooManyChanges))
        case .closed: completion(.failure(.stopping))
        }
    }

    /// Commits what is queued, batch after batch, until the queue is closed.
    func run(_ store: MetadataStore) {
        while let batch = inbox.takeAll() { commit(batch[...], store) }
        try? database.close()
    }

    private func commit(_ batch: ArraySlice<Change>, _ store: MetadataStore) {
        guard !batch.isEmpty else { return }
        do {
            for completion in try transact(batch, store) { completion() }
        } catch let error as DatabaseError where error.isConflict && batch.count > 1 {
            // One change breaks a rule of the schema: the others must not suffer for it.
            for change in batch { commit([change], store) }
        } catch {
            let failure = BrokerError.storage("the metadata could not be written", error)
            for change in batch { change.fail(failure) }
        }
    }

    private func transact(
        _ batch: ArraySlice<Change>,
        _ store: MetadataStore
    ) throws -> [@Sendable () -> Void] {
        var draft = store.image.withLock { $0 }
        var completions: [@Sendable () -> Void] = []
        completions.reserveCapacity(batch.count)
        try database.writeWithoutTransaction { database in
            try database.inTransaction(.immediate) {
                for change in batch { completions.append(try change.apply(database, &draft)) }
                return .commit
            }
        }
        store.image.withLock { $0 = draft }
        commitCount.add(1, ordering: .relaxed)
        return completions
    }
}

extension DatabaseError {
    fileprivate var isConflict: Bool { resultCode == .SQLITE_CONSTRAINT }
}

extension BrokerError {
    static let tooManyChanges = BrokerError(
        .overloaded,
        "\(MetadataWriter.capacity) changes of metadata are waiting for the disk",
        remedy: "try again; if it lasts, commit less often or use a faster disk"
    )

    static let stopping = BrokerError(
        .closed,
        "the broker is stopping",
        remedy: "try again when it has started again"
    )

    static func storage(_ what: String, _ cause: any Error) -> BrokerError {
        BrokerError(
            .storage,
            "\(what): \(cause)",
            remedy: "check the disk's free space and health, then try again"
        )
    }
}
