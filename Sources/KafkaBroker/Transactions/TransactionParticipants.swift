import KafkaWire

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

/// A partition as far as transactions are concerned; see `Partition`.
protocol TransactionalPartition {
    func beginTransaction(
        producerID: Int64,
        epoch: Int16,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    )
    func endTransaction(
        _ marker: TransactionMarker,
        onlyIfOpen: Bool,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    )
}

extension Partition: TransactionalPartition {}

/// What takes part in transactions; each completion is called exactly once, from any thread.
struct TransactionParticipants: Sendable {
    /// Finds a partition.
    var partition: @Sendable (PartitionID) -> (any TransactionalPartition)?
    /// Tells the groups that a producer's offsets are committed (true) or dropped.
    var endInGroups: @Sendable (Int64, Bool, @escaping @Sendable () -> Void) -> Void

    /// Has something done with each partition, and passes the results on together, in order.
    ///
    /// A partition that does not exist has the result "unknown partition".
    func forEach(
        _ partitions: [PartitionID],
        _ body: (any TransactionalPartition, @escaping @Sendable (ErrorCode) -> Void) -> Void,
        completion: @escaping @Sendable ([ErrorCode]) -> Void
    ) {
        let gather = Gather<ErrorCode>(partitions.count, completion: completion)
        for (index, id) in partitions.enumerated() {
            guard let partition = partition(id) else {
                gather.set(index, .unknownTopicOrPartition)
                continue
            }
            body(partition) { gather.set(index, $0) }
        }
    }

    /// Lets a producer write to partitions; reports the first failure.
    func begin(
        _ producer: ProducerIdentity,
        in partitions: Set<PartitionID>,
        completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        forEach(Array(partitions)) {
            $0.beginTransaction(producerID: producer.id, epoch: producer.epoch, $1)
        } completion: { results in
            completion(results.first { $0 != .none } ?? .none)
        }
    }
}
