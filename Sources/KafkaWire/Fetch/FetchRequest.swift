/// A request to read record batches.
public struct FetchRequest: Sendable, Equatable {
    /// How long to wait for `minBytes`, in milliseconds.
    public var maxWaitMilliseconds: Int32
    /// With how many bytes of records the answer need not wait any longer.
    public var minBytes: Int32
    /// How many bytes of records the answer may have.
    public var maxBytes: Int32
    /// Whether records of open and aborted transactions are to be held back.
    public var isReadCommitted: Bool
    /// The client's fetch session; 0 for none.
    public var sessionID: Int32
    /// What to read, in the client's order.
    public var topics: [Topic]

    /// The partitions of one topic.
    public struct Topic: Sendable, Equatable {
        /// The topic's name; empty from version 13 on.
        public var name: String
        /// The topic's id; zero before version 13.
        public var id: UUID16
        /// Its partitions, in the client's order.
        public var partitions: [Partition]
    }

    /// What to read of one partition.
    public struct Partition: Sendable, Equatable {
        /// The partition's number.
        public var index: Int32
        /// The leader epoch that the client knows; -1 if none.
        public var currentLeaderEpoch: Int32
        /// The first offset wanted.
        public var fetchOffset: Int64
        /// The epoch of the last record that the client has; -1 if it does not say.
        public var lastFetchedEpoch: Int32
        /// How many bytes this partition may take of the answer.
        public var maxBytes: Int32
    }

    /// Reads a body.
    public init(from reader: inout WireReader, version: Int16) throws(WireError) {
        let isCompact = version >= 12
        if version <= 14 { _ = try reader.integer(as: Int32.self) }  // Replicas are not served.
        maxWaitMilliseconds = try reader.integer()
        minBytes = try reader.integer()
        maxBytes = try reader.integer()
        isReadCommitted = try reader.integer(as: Int8.self) == 1
        sessionID = version >= 7 ? try reader.integer() : 0
        if version >= 7 { _ = try reader.integer(as: Int32.self) }  // The session's epoch.
        topics = try reader.structures(isCompact: isCompact, least: 3) { reader throws(WireError) in
            Topic(
                name: version < 13 ? try reader.requiredString(isCompact: isCompact) : "",
                id: version >= 13 ? try reader.uuid() : .zero,
                partitions: try reader.structures(isCompact: isCompact, least: 16) {
                    reader throws(WireError) in
                    try Partition(from: &reader, version)
                }
            )
        }
        if version >= 7 {  // The topics that a session is to forget.
            _ = try reader.structures(isCompact: isCompact, least: 3) { reader throws(WireError) in
                if version >= 13 {
                    _ = try reader.uuid()
                } else {
                    _ = try reader.requiredString(isCompact: isCompact)
                }
                let count = try reader.arrayCount(isCompact: isCompact, least: 4)
                _ = try reader.skip(4 * (count ?? 0))
            }
        }
        if version >= 11 { _ = try reader.string(isCompact: isCompact) }  // The client's rack.
        if isCompact { try reader.skipTaggedFields() }
    }
}

extension FetchRequest.Partition {
    fileprivate init(from reader: inout WireReader, _ version: Int16) throws(WireError) {
        index = try reader.integer()
        currentLeaderEpoch = version >= 9 ? try reader.integer() : -1
        fetchOffset = try reader.integer()
        lastFetchedEpoch = version >= 12 ? try reader.integer() : -1
        if version >= 5 { _ = try reader.integer(as: Int64.self) }  // A replica's log start.
        maxBytes = try reader.integer()
    }
}
