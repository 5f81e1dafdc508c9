// One function for each kind of load. All of them leave as much work as possible out of the time
// that is measured: requests are encoded before, answers are only looked through.
import Foundation

/// Sends the same batch again and again, on several connections.
struct ProduceLoad: Sendable {
    var address: String
    var topic: String
    var acks: Int16
    var batch: Batch
    var requestCount: Int
    var connectionCount: Int
    var partitionCount: Int
    var inFlight: Int

    func run() throws -> Measurement {
        let encoded = batch.encoded()
        let share = max(1, requestCount / connectionCount)
        return try measure(threads: connectionCount) { number in
            let partition = number % partitionCount
            let frame = Frame.produce(encoded, topic: topic, partition: partition, acks: acks)
            return (try Connection(address), frame)
        } _: { prepared in
            let (connection, frame) = prepared
            var tally = Tally()
            var begun: [ContinuousClock.Instant] = []
            while tally.operations < share {
                if begun.count < share && begun.count - tally.operations < inFlight {
                    begun.append(.now)
                    try connection.send(frame)
                } else {
                    _ = try connection.receive { try $0.readProduce() }
                    tally.add(
                        bytes: encoded.count,
                        records: batch.recordCount,
                        since: begun[tally.operations]
                    )
                }
            }
            return tally
        }
    }
}

/// What a disk gives without a broker: the same sizes, written one after the other.
struct RawLoad: Sendable {
    var directory: String
    var byteCount: Int
    var writeCount: Int
    var fileCount: Int
    var isSynced: Bool

    func run() throws -> Measurement {
        let share = max(1, writeCount / fileCount)
        return try measure(threads: fileCount) { number in
            let path = "\(directory)/raw-\(number)"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            guard descriptor >= 0 else { throw Failure("cannot write \(path)") }
            return descriptor
        } _: { descriptor in
            let block = [UInt8](repeating: 7, count: byteCount)
            var tally = Tally()
            while tally.operations < share {
                let begin = ContinuousClock.now
                guard write(descriptor, block, byteCount) == byteCount else {
                    throw Failure("a write failed: \(String(cString: strerror(errno)))")
                }
                if isSynced, synchronize(descriptor) != 0 { throw Failure("a sync failed") }
                tally.add(bytes: byteCount, records: 0, since: begin)
            }
            close(descriptor)
            return tally
        }
    }

    private func synchronize(_ descriptor: Int32) -> Int32 {
        #if os(Linux)
            fdatasync(descriptor)
        #else
            fcntl(descriptor, F_FULLFSYNC)
        #endif
    }
}

/// Reads partitions from their beginning, one connection each, and throws the records away.
struct FetchLoad: Sendable {
    var address: String
    var topic: String
    var connectionCount: Int
    /// Where each partition's reading ends.
    var endOffset: Int64
    var byteCount: Int

    func run() throws -> Measurement {
        try measure(threads: connectionCount) { number in
            (try Connection(address), number)
        } _: { prepared in
            let (connection, partition) = prepared
            var tally = Tally()
            var offset: Int64 = 0
            while offset < endOffset {
                let begin = ContinuousClock.now
                let frame = Frame.fetch(
                    topic: topic,
                    partition: partition,
                    offset: offset,
                    byteCount: byteCount,
                    waitMilliseconds: 1000
                )
                guard let found = try connection.ask(frame, { try $0.readFetch() }) else {
                    throw Failure("\(topic)-\(partition) ends at \(offset), not at \(endOffset)")
                }
                offset = found.nextOffset
                tally.add(bytes: found.byteCount, records: found.recordCount, since: begin)
            }
            return tally
        }
    }
}

/// From the sending of one record to its arrival at a reader that waits for it.
struct LatencyLoad: Sendable {
    var address: String
    var topic: String
    var acks: Int16
    var count: Int
    var pauseMilliseconds: Int

    func run() throws -> Measurement {
        try measure(threads: 1) { _ in
            (try Connection(address), try Connection(address))
        } _: { prepared in
            let (producer, consumer) = prepared
            let frame = Frame.produce(
                Batch().encoded(),
                topic: topic,
                partition: 0,
                acks: acks
            )
            var tally = Tally()
            var offset = Int64(0)
            while tally.operations < count {
                try consumer.send(
                    Frame.fetch(
                        topic: topic,
                        partition: 0,
                        offset: offset,
                        byteCount: 1 << 20,
                        waitMilliseconds: 30_000
                    )
                )
                // Time for the reader's request to be waiting, and for the machine to be idle.
                usleep(UInt32(pauseMilliseconds) * 1000)
                let begin = ContinuousClock.now
                try producer.send(frame)
                guard let found = try consumer.receive({ try $0.readFetch() }) else {
                    throw Failure("a waiting fetch was answered without a record")
                }
                tally.add(bytes: found.byteCount, records: 1, since: begin)
                offset = found.nextOffset
                _ = try producer.receive { try $0.readProduce() }
            }
            return tally
        }
    }
}

/// Commits offsets, each connection for a group of its own.
struct CommitLoad: Sendable {
    var address: String
    var topic: String
    var count: Int
    var connectionCount: Int

    func run() throws -> Measurement {
        let share = max(1, count / connectionCount)
        return try measure(threads: connectionCount) { number in
            (try Connection(address), "load-\(number)")
        } _: { prepared in
            let (connection, group) = prepared
            var tally = Tally()
            while tally.operations < share {
                let frame = Frame.commit(
                    group: group,
                    topic: topic,
                    partition: 0,
                    offset: Int64(tally.operations)
                )
                let begin = ContinuousClock.now
                try connection.ask(frame) {
                    try $0.readOnePartition(hasThrottleTime: false, "OffsetCommit")
                }
                tally.add(bytes: 0, records: 0, since: begin)
            }
            return tally
        }
    }
}

/// Transactions of one batch in one partition, each connection with an id and partition of its own.
struct TransactionLoad: Sendable {
    var address: String
    var topic: String
    var count: Int
    var connectionCount: Int

    func run() throws -> Measurement {
        let share = max(1, count / connectionCount)
        return try measure(threads: connectionCount) { number in
            let connection = try Connection(address)
            let id = "load-\(number)"
            let identity = try connection.ask(Frame.initProducerID(transactionalID: id)) {
                try $0.skip(4)
                try $0.checkErrorCode("InitProducerId")
                return (try $0.integer(as: Int64.self), try $0.integer(as: Int16.self))
            }
            let transaction = Transaction(
                id: id,
                producerID: identity.0,
                producerEpoch: identity.1
            )
            return (connection, transaction, number)
        } _: { prepared in
            let (connection, transaction, partition) = prepared
            var tally = Tally()
            while tally.operations < share {
                let begin = ContinuousClock.now
                try commit(transaction, tally.operations, connection, partition)
                tally.add(bytes: 0, records: 1, since: begin)
            }
            return tally
        }
    }

    private func commit(
        _ transaction: Transaction,
        _ number: Int,
        _ connection: Connection,
        _ partition: Int
    ) throws {
        let batch = Batch(
            producerID: transaction.producerID,
            producerEpoch: transaction.producerEpoch,
            baseSequence: Int32(number),
            isTransactional: true
        )
        try connection.ask(Frame.addPartition(transaction, topic: topic, partition: partition)) {
            try $0.readOnePartition(hasThrottleTime: true, "AddPartitionsToTxn")
        }
        let frame = Frame.produce(
            batch.encoded(),
            topic: topic,
            partition: partition,
            acks: -1,
            transactionalID: transaction.id
        )
        _ = try connection.ask(frame) { try $0.readProduce() }
        try connection.ask(Frame.commitTransaction(transaction)) {
            try $0.skip(4)
            try $0.checkErrorCode("EndTxn")
        }
    }
}
