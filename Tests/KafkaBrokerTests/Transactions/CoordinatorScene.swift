import Foundation
import KafkaWire
import Synchronization
import Testing

@testable import KafkaBroker

/// Logs and groups that note what a coordinator asks of them, and fail or wait when told to.
final class NotedParticipants: Sendable {
    struct Mark: Equatable {
        var partition: PartitionID
        var marker: TransactionMarker
        var onlyIfOpen: Bool
    }

    struct Notes {
        var begun: [PartitionID: ProducerIdentity] = [:]
        var marks: [Mark] = []
        /// What is open in the partitions at the start.
        var open: [OpenTransaction] = []
        var groupEnds: [Int64: Bool] = [:]
        /// What partitions answer instead of doing anything.
        var failures: [PartitionID: ErrorCode] = [:]
        var holdsMarks = false
        var held: [@Sendable () -> Void] = []
    }

    let notes = Mutex(Notes())

    func environment(_ store: MetadataStore) throws -> TransactionEnvironment {
        TransactionEnvironment(
            store: store,
            begin: { [self] partition, producer, completion in
                notes.withLock { $0.begun[partition] = producer }
                completion(.none)
            },
            end: { [self] partition, marker, onlyIfOpen, completion in
                let answer = notes.withLock { notes -> ErrorCode? in
                    let mark = Mark(partition: partition, marker: marker, onlyIfOpen: onlyIfOpen)
                    notes.marks.append(mark)
                    if notes.holdsMarks { notes.held.append { completion(.none) } }
                    return notes.holdsMarks ? nil : notes.failures[partition] ?? ErrorCode.none
                }
                if let answer { completion(answer) }
            },
            findOpen: { [self] completion in completion(notes.withLock { $0.open }) },
            endInGroups: { [self] producerID, isCommit, completion in
                notes.withLock { $0.groupEnds[producerID] = isCommit }
                completion()
            },
            faults: try FaultPoint(nil),
            logger: quietLogger
        )
    }

    /// Lets the marks be done that are held, and all later ones.
    func release() {
        let held = notes.withLock { notes in
            notes.holdsMarks = false
            defer { notes.held = [] }
            return notes.held
        }
        for completion in held { completion() }
    }
}

/// A coordinator over a real store, whose clock is moved by hand.
final class CoordinatorScene: Sendable {
    let directory: TestDirectory
    let store: MetadataStore
    let logs = NotedParticipants()
    let coordinator: TransactionCoordinator
    let clock: Clock

    final class Clock: Sendable {
        let date: Mutex<Int64>
        init(_ date: Int64) { self.date = Mutex(date) }
    }

    init(
        _ directory: TestDirectory = TestDirectory(),
        date: Int64 = 1_000_000,
        failures: [PartitionID: ErrorCode] = [:],
        open: [OpenTransaction] = [],
        _ change: (inout TransactionSettings) -> Void = { _ in }
    ) throws {
        self.directory = directory
        store = try MetadataStore(directory: directory.url)
        let clock = Clock(date)
        self.clock = clock
        logs.notes.withLock { ($0.failures, $0.open) = (failures, open) }
        var environment = try logs.environment(store)
        environment.now = { clock.date.withLock { $0 } }
        environment.settings.checkInterval = 1
        change(&environment.settings)
        coordinator = try TransactionCoordinator(environment)
    }

    func stop() {
        coordinator.stop()
        store.close(clean: true)
    }

    /// A coordinator that starts from what a crash at this moment leaves.
    func afterCrash(
        date: Int64 = 1_000_000,
        open: [OpenTransaction] = []
    ) throws -> CoordinatorScene {
        try CoordinatorScene(directory.snapshot(), date: date, open: open)
    }

    func partitions(_ count: Int32, of topic: String = "events") async throws -> [PartitionID] {
        let topic = try await store.createTopic(topic, partitions: count)
        return (0..<count).map { PartitionID(topic: topic.id, index: $0) }
    }
}

/// Requests.
extension CoordinatorScene {
    typealias Outcome = TransactionCoordinator.Outcome

    /// The producer that the transactional id belongs to now.
    func initialize(_ id: String = "t", timeout: Int32 = 60_000) async throws -> ProducerIdentity {
        try await withCheckedContinuation { done in
            coordinator.change(id, creating: true) {
                $0.initProducerID(timeout: timeout, expected: nil, at: $1)
            } reply: {
                done.resume(returning: $0)
            }
        }.get()
    }

    func add(
        _ partitions: [PartitionID],
        groups: Set<String> = [],
        _ producer: ProducerIdentity,
        _ id: String = "t"
    ) async -> ErrorCode {
        let outcome: Outcome = await withCheckedContinuation { done in
            coordinator.add(id, Set(partitions), groups: groups, for: producer) {
                done.resume(returning: $0)
            }
        }
        return outcome.errorCode(4, fencedSince: 0)
    }

    func end(isCommit: Bool, _ producer: ProducerIdentity, _ id: String = "t") async -> ErrorCode {
        await withCheckedContinuation { done in
            beginEnd(isCommit: isCommit, producer, id) { done.resume(returning: $0) }
        }
    }

    func beginEnd(
        isCommit: Bool,
        _ producer: ProducerIdentity,
        _ id: String = "t",
        reply: @escaping @Sendable (ErrorCode) -> Void
    ) {
        coordinator.change(id) {
            $0.end(isCommit: isCommit, for: producer, at: $1)
        } reply: {
            reply($0.errorCode(4, fencedSince: 0))
        }
    }

    /// A transactional id as the coordinator has it.
    func transaction(_ id: String = "t") async -> TransactionMetadata? {
        await withCheckedContinuation { done in
            let refusal = coordinator.perform { done.resume(returning: $0.transaction(id)) }
            if refusal != nil { done.resume(returning: nil) }
        }
    }

    /// Waits until a transactional id is as it should be.
    func wait(_ id: String = "t", until isDone: (TransactionMetadata?) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while !isDone(await transaction(id)) {
            try #require(ContinuousClock.now < deadline, "it does not come to that")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    var marks: [NotedParticipants.Mark] { logs.notes.withLock { $0.marks } }
}
