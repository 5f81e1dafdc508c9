/// A request to append record batches, read without copying them.
public struct ProduceRequest: Sendable, Equatable {
    /// The versions whose bodies can be read; older ones are advertised for old clients' sake only.
    public static let versions: ClosedRange<Int16> = 3...11

    /// The transaction that the batches belong to, if any.
    public var transactionalID: String?
    /// When the client wants the answer: 0 never, 1 once written, -1 once on stable storage.
    public var acks: Int16
    /// What to append, in the client's order.
    public var topics: [Topic]

    /// The partitions of one topic.
    public struct Topic: Sendable, Equatable {
        /// The topic's name.
        public var name: String
        /// Its partitions, in the client's order.
        public var partitions: [Partition]
    }

    /// The batches for one partition.
    public struct Partition: Sendable, Equatable {
        /// The partition's number.
        public var index: Int32
        /// Where in the reader's buffer the batches are; nil if the client sent null.
        public var records: Range<Int>?
    }

    /// Reads a body; the ranges of records refer to the reader's buffer.
    public init(from reader: inout WireReader, version: Int16) throws(WireError) {
        let isCompact = version >= 9
        transactionalID = try reader.string(isCompact: isCompact)
        acks = try reader.integer()
        _ = try reader.integer(as: Int32.self)  // A timeout: one node waits for its disk only.
        topics = try reader.structures(isCompact: isCompact, least: 3) { reader throws(WireError) in
            Topic(
                name: try reader.requiredString(isCompact: isCompact),
                partitions: try reader.structures(isCompact: isCompact, least: 5) {
                    reader throws(WireError) in
                    Partition(
                        index: try reader.integer(),
                        records: try reader.bytesRange(isCompact: isCompact)
                    )
                }
            )
        }
        if isCompact { try reader.skipTaggedFields() }
    }
}
