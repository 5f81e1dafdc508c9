// The requests that the load consists of, in versions that every broker since Kafka 0.11 speaks.

extension Frame {
    /// Produce version 3: one batch for one partition.
    static func produce(
        _ batch: [UInt8],
        topic: String,
        partition: Int,
        acks: Int16,
        transactionalID: String? = nil
    ) -> [UInt8] {
        var frame = Frame(key: 0, version: 3)
        frame.string(transactionalID)
        frame.integer(acks)
        frame.integer(Int32(60_000))
        frame.integer(Int32(1))
        frame.string(topic)
        frame.integer(Int32(1))
        frame.integer(Int32(partition))
        frame.block(batch)
        return frame.finished()
    }

    /// Fetch version 4: one partition.
    static func fetch(
        topic: String,
        partition: Int,
        offset: Int64,
        byteCount: Int,
        waitMilliseconds: Int
    ) -> [UInt8] {
        var frame = Frame(key: 1, version: 4)
        frame.integer(Int32(-1))
        frame.integer(Int32(waitMilliseconds))
        frame.integer(Int32(1))
        frame.integer(Int32(byteCount))
        frame.integer(Int8(0))
        frame.integer(Int32(1))
        frame.string(topic)
        frame.integer(Int32(1))
        frame.integer(Int32(partition))
        frame.integer(offset)
        frame.integer(Int32(byteCount))
        return frame.finished()
    }

    /// CreateTopics version 2.
    static func createTopic(
        _ name: String,
        partitionCount: Int,
        configuration: [(name: String, value: String)]
    ) -> [UInt8] {
        var frame = Frame(key: 19, version: 2)
        frame.integer(Int32(1))
        frame.string(name)
        frame.integer(Int32(partitionCount))
        frame.integer(Int16(1))
        frame.integer(Int32(0))
        frame.integer(Int32(configuration.count))
        for (name, value) in configuration {
            frame.string(name)
            frame.string(value)
        }
        frame.integer(Int32(60_000))
        frame.integer(Int8(0))
        return frame.finished()
    }

    /// OffsetCommit version 2 of a client that is no member of the group.
    static func commit(group: String, topic: String, partition: Int, offset: Int64) -> [UInt8] {
        var frame = Frame(key: 8, version: 2)
        frame.string(group)
        frame.integer(Int32(-1))
        frame.string("")
        frame.integer(Int64(-1))
        frame.integer(Int32(1))
        frame.string(topic)
        frame.integer(Int32(1))
        frame.integer(Int32(partition))
        frame.integer(offset)
        frame.string(nil)
        return frame.finished()
    }

    /// InitProducerId version 0.
    static func initProducerID(transactionalID: String) -> [UInt8] {
        var frame = Frame(key: 22, version: 0)
        frame.string(transactionalID)
        frame.integer(Int32(60_000))
        return frame.finished()
    }

    /// AddPartitionsToTxn version 0: one partition.
    static func addPartition(
        _ transaction: Transaction,
        topic: String,
        partition: Int
    ) -> [UInt8] {
        var frame = Frame(key: 24, version: 0)
        frame.string(transaction.id)
        frame.integer(transaction.producerID)
        frame.integer(transaction.producerEpoch)
        frame.integer(Int32(1))
        frame.string(topic)
        frame.integer(Int32(1))
        frame.integer(Int32(partition))
        return frame.finished()
    }

    /// EndTxn version 0, a commit.
    static func commitTransaction(_ transaction: Transaction) -> [UInt8] {
        var frame = Frame(key: 26, version: 0)
        frame.string(transaction.id)
        frame.integer(transaction.producerID)
        frame.integer(transaction.producerEpoch)
        frame.integer(Int8(1))
        return frame.finished()
    }
}

/// Who writes a transaction.
struct Transaction {
    var id: String
    var producerID: Int64
    var producerEpoch: Int16
}

extension Answer {
    /// Reads the answer to a produce of one batch; throws if it was refused.
    mutating func readProduce() throws -> Int64 {
        try skip(4)
        try skipString()
        try skip(8)
        try checkErrorCode("Produce")
        return try integer()
    }

    /// Reads the answer to a fetch of one partition.
    ///
    /// - Returns: How many bytes and records it has, and the offset after them; nil if it has none.
    mutating func readFetch() throws -> (byteCount: Int, recordCount: Int, nextOffset: Int64)? {
        try skip(8)
        try skipString()
        try skip(8)
        try checkErrorCode("Fetch")
        try skip(16)
        try skip(16 * max(0, Int(try integer(as: Int32.self))))
        let byteCount = Int(try integer(as: Int32.self))
        guard byteCount > 0 else { return nil }
        let end = position + byteCount
        var (recordCount, nextOffset) = (0, Int64(0))
        while position < end {
            let baseOffset = try integer(as: Int64.self)
            let batchByteCount = Int(try integer(as: Int32.self))
            let batchEnd = position + batchByteCount
            try skip(11)
            nextOffset = baseOffset + Int64(try integer(as: Int32.self)) + 1
            try skip(30)
            recordCount += Int(try integer(as: Int32.self))
            try skip(batchEnd - position)
        }
        return (byteCount, recordCount, nextOffset)
    }

    /// Reads the answer to CreateTopics; a topic that exists is no error.
    mutating func readCreateTopics() throws {
        try skip(8)
        try skipString()
        let code = try integer(as: Int16.self)
        guard code == 0 || code == 36 else { throw Failure("CreateTopics: error \(code)") }
    }

    /// Reads the answer to OffsetCommit version 2 or AddPartitionsToTxn for one partition.
    mutating func readOnePartition(hasThrottleTime: Bool, _ what: String) throws {
        try skip(hasThrottleTime ? 8 : 4)
        try skipString()
        try skip(8)
        try checkErrorCode(what)
    }
}
