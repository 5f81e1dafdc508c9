/// The answer to a Fetch, written so that the records need not be copied.
///
/// It holds how many bytes of records each partition has, not the records.
public struct FetchResponse: Sendable, Equatable {
    /// An error of the request as a whole.
    public var errorCode = ErrorCode.none
    /// The answers, in the order of the request.
    public var topics: [Topic] = []

    /// The partitions of one topic.
    public struct Topic: Sendable, Equatable {
        /// The topic's name, written before version 13.
        public var name: String
        /// The topic's id, written from version 13 on.
        public var id: UUID16
        /// Its partitions.
        public var partitions: [Partition]

        /// Makes the answer for one topic.
        public init(name: String, id: UUID16, partitions: [Partition]) {
            self.name = name
            self.id = id
            self.partitions = partitions
        }
    }

    /// The answer for one partition.
    public struct Partition: Sendable, Equatable {
        /// The partition's number.
        public var index: Int32
        /// Why there are no records.
        public var errorCode = ErrorCode.none
        /// The offset after the last record that may be read; -1 with an error.
        public var highWatermark: Int64 = -1
        /// The offset before which no transaction is open.
        public var lastStableOffset: Int64 = -1
        /// The first offset in the log.
        public var logStartOffset: Int64 = -1
        /// The aborted transactions in the range, for a reader of committed records only.
        public var abortedTransactions: [AbortedTransaction]?
        /// How many bytes of whole batches there are.
        public var recordByteCount = 0

        /// Makes an answer without records.
        public init(index: Int32, errorCode: ErrorCode = .none) {
            self.index = index
            self.errorCode = errorCode
        }
    }

    /// A transaction whose records are to be skipped.
    public struct AbortedTransaction: Sendable, Equatable {
        /// Who wrote it.
        public var producerID: Int64
        /// Its first offset in the partition.
        public var firstOffset: Int64

        /// Names a transaction.
        public init(producerID: Int64, firstOffset: Int64) {
            self.producerID = producerID
            self.firstOffset = firstOffset
        }
    }

    /// Makes an answer without topics.
    public init(errorCode: ErrorCode = .none) { self.errorCode = errorCode }

    /// Writes length, header and body.
    ///
    /// Between one piece and the next belong the records of the next partition whose
    /// `recordByteCount` is not 0.
    public func encodeFrame(
        version: Int16,
        correlationID: Int32
    ) throws(WireError) -> [[UInt8]] {
        let isCompact = version >= 12
        var pieces: [WireWriter] = []
        var recordByteCount = 0
        var writer = WireWriter()
        writer.integer(Int32(0))  // The length.
        writer.integer(correlationID)
        if isCompact { writer.unsignedVarint(0) }
        writer.integer(Int32(0))  // The throttle time.
        if version >= 7 {
            writer.integer(errorCode.rawValue)
            writer.integer(Int32(0))  // The session id: there are no sessions.
        }
        try writer.count(topics.count, isCompact: isCompact)
        for topic in topics {
            if version >= 13 {
                writer.uuid(topic.id)
            } else {
                try writer.string(topic.name, isCompact: isCompact)
            }
            try writer.count(topic.partitions.count, isCompact: isCompact)
            for partition in topic.partitions {
                try partition.encode(into: &writer, version: version)
                if partition.recordByteCount > 0 {
                    recordByteCount += partition.recordByteCount
                    pieces.append(writer)
                    writer = WireWriter()
                }
                if isCompact { writer.unsignedVarint(0) }
            }
            if isCompact { writer.unsignedVarint(0) }
        }
        if isCompact { writer.unsignedVarint(0) }
        pieces.append(writer)
        let byteCount = pieces.reduce(recordByteCount) { $0 + $1.bytes.count }
        try pieces[0].setLength(byteCount)
        return pieces.map(\.bytes)
    }
}

extension FetchResponse.Partition {
    /// Writes everything but the records and the tagged fields after them.
    fileprivate func encode(into writer: inout WireWriter, version: Int16) throws(WireError) {
        let isCompact = version >= 12
        writer.integer(index)
        writer.integer(errorCode.rawValue)
        writer.integer(highWatermark)
        writer.integer(lastStableOffset)
        if version >= 5 { writer.integer(logStartOffset) }
        try writer.count(abortedTransactions?.count, isCompact: isCompact)
        for transaction in abortedTransactions ?? [] {
            writer.integer(transaction.producerID)
            writer.integer(transaction.firstOffset)
            if isCompact { writer.unsignedVarint(0) }
        }
        if version >= 11 { writer.integer(Int32(-1)) }  // No preferred replica.
        // Nothing is zero bytes, never null: librdkafka takes null for damage.
        try writer.count(recordByteCount, isCompact: isCompact)
    }
}
