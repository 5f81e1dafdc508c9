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
        sessionID = 0
        if version >= 7 {
            sessionID = try reader.integer()
            _ = try reader.integer(as: Int32.self)  // The session's epoch: there are no sessions.
        }
        topics = []
        for _ in 0..<(try reader.count(isCompact: isCompact, elementSize: 4)) {
            topics.append(try Topic(from: &reader, version: version, isCompact: isCompact))
        }
        if version >= 7 { try Self.skipForgottenTopics(&reader, version, isCompact) }
        if version >= 11 { _ = try reader.string(isCompact: isCompact) }  // The client's rack.
        if isCompact { try reader.skipTaggedFields() }
    }

    private static func skipForgottenTopics(
        _ reader: inout WireReader,
        _ version: Int16,
        _ isCompact: Bool
    ) throws(WireError) {
        for _ in 0..<(try reader.count(isCompact: isCompact, elementSize: 4)) {
            if version >= 13 {
                _ = try reader.uuid()
            } else {
                _ = try reader.string(isCompact: isCompact)
            }
            let count = try reader.count(isCompact: isCompact, elementSize: 4)
            _ = try reader.skip(4 * count)
            if isCompact { try reader.skipTaggedFields() }
        }
    }
}

extension FetchRequest.Topic {
    fileprivate init(
        from reader: inout WireReader,
        version: Int16,
        isCompact: Bool
    ) throws(WireError) {
        name = version < 13 ? try reader.requiredString(isCompact: isCompact) : ""
        id = version >= 13 ? try reader.uuid() : .zero
        partitions = []
        for _ in 0..<(try reader.count(isCompact: isCompact, elementSize: 16)) {
            let index = try reader.integer(as: Int32.self)
            let epoch = version >= 9 ? try reader.integer(as: Int32.self) : -1
            let offset = try reader.integer(as: Int64.self)
            let lastEpoch = version >= 12 ? try reader.integer(as: Int32.self) : -1
            if version >= 5 { _ = try reader.integer(as: Int64.self) }  // A replica's log start.
            let maxBytes = try reader.integer(as: Int32.self)
            if isCompact { try reader.skipTaggedFields() }
            partitions.append(
                FetchRequest.Partition(
                    index: index,
                    currentLeaderEpoch: epoch,
                    fetchOffset: offset,
                    lastFetchedEpoch: lastEpoch,
                    maxBytes: maxBytes
                )
            )
        }
        if isCompact { try reader.skipTaggedFields() }
    }
}
