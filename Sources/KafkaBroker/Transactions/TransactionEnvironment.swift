import KafkaWire
import Logging

/// How transactions are run.
struct TransactionSettings: Sendable {
    /// `transaction.max.timeout.ms`: the longest time that a producer may ask for.
    var maximumTimeout: Int32 = 900_000
    /// `transactional.id.expiration.ms`: an unused transactional id is forgotten after 7 days.
    var expiration: Int64 = 604_800_000
    /// How often transactions that take too long are looked for, in milliseconds.
    var checkInterval = 1000
    /// How often unused transactional ids are looked for, in milliseconds.
    var sweepInterval = 600_000
    /// Most transactional ids: each takes about half a kilobyte of memory.
    var maximumCount = 100_000
    /// Most partitions and groups of a transaction: each partition costs a marker and a sync.
    var maximumPartCount = 10_000
}

/// What transactions need of the rest of the broker.
///
/// Each completion is called exactly once, from any thread.
struct TransactionEnvironment: Sendable {
    typealias Completion = @Sendable (ErrorCode) -> Void

    /// Where transactions are kept.
    var store: MetadataStore
    var settings = TransactionSettings()
    /// Lets a producer write to a partition; see `Partition.beginTransaction`.
    var begin: @Sendable (PartitionID, ProducerIdentity, @escaping Completion) -> Void
    /// Ends a transaction in a partition, if told so only where one is open; see
    /// `Partition.endTransaction`.
    var end: @Sendable (PartitionID, TransactionMarker, Bool, @escaping Completion) -> Void
    /// Finds the transactions that are open in any partition.
    var findOpen: @Sendable (@escaping @Sendable ([OpenTransaction]) -> Void) -> Void
    /// Tells the groups that a producer's offsets are committed (true) or dropped.
    var endInGroups: @Sendable (Int64, Bool, @escaping @Sendable () -> Void) -> Void
    /// Where to die in tests.
    var faults: FaultPoint
    /// For failures.
    var logger: Logger
    /// The time in milliseconds since 1970; must never go back.
    var now = Moment.steadyDate()

    /// Lets a producer write to partitions; reports the first failure.
    func begin(
        _ producer: ProducerIdentity,
        in partitions: Set<PartitionID>,
        completion: @escaping Completion
    ) {
        let gather = Gather<ErrorCode>(partitions.count) { results in
            completion(results.first { $0 != .none } ?? .none)
        }
        for (index, partition) in partitions.enumerated() {
            begin(partition, producer) { gather.set(index, $0) }
        }
    }
}

extension Moment {
    /// A clock that shows the date and that nobody can set while the broker runs.
    static func steadyDate() -> @Sendable () -> Int64 {
        let start = now()
        return { start.date + now().uptime - start.uptime }
    }
}
