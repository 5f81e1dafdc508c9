/// One record of a topic, borrowed from its batch.
///
/// `key` and `value` point into memory of the `RecordBatch` that the record came in and are valid
/// only as long as that batch lives. Nothing is copied.
public struct Record {
    /// Index into the source's `topics`.
    public var topicIndex: Int32
    /// The partition it was read from.
    public var partition: Int32
    /// Its offset in that partition.
    public var offset: Offset
    /// Its Kafka timestamp, in milliseconds since 1970; -1 when the record has none.
    public var timestamp: Int64
    /// The key's bytes; nil for a record without a key.
    public var key: UnsafeRawBufferPointer?
    /// The value's bytes; nil for a tombstone.
    public var value: UnsafeRawBufferPointer?

    /// Describes a record whose bytes belong to a batch.
    public init(
        topicIndex: Int32,
        partition: Int32,
        offset: Offset,
        timestamp: Int64,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?
    ) {
        self.topicIndex = topicIndex
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
    }
}

/// A name and bytes that travel with a record.
public struct RecordHeader: Equatable, Sendable {
    /// The header's name; names may repeat.
    public var name: String
    /// Its bytes; nil is a null value.
    public var value: [UInt8]?

    /// Makes a header.
    public init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// Makes a header whose value is UTF-8 text.
    public init(name: String, text: String) {
        self.init(name: name, value: Array(text.utf8))
    }
}

/// Records polled together, in partition order, and the memory they point into.
///
/// Owned by the thread that polled it; the memory is given back when it is destroyed.
public struct RecordBatch: ~Copyable {
    /// The records.
    ///
    /// Their bytes are valid only while this batch lives.
    public let records: [Record]
    /// Reads the headers of the record at an index of `records`; there are none once the batch is
    /// destroyed.
    ///
    /// They are decoded by each call: who does not ask does not pay.
    public let headerReader: (Int) -> [RecordHeader]
    private let release: () -> Void

    /// Makes a batch; `release` gives the records' memory back, `headers` reads those of one record.
    public init(
        records: [Record],
        headers: @escaping (Int) -> [RecordHeader] = { _ in [] },
        release: @escaping () -> Void = {}
    ) {
        self.records = records
        headerReader = headers
        self.release = release
    }

    deinit { release() }

    /// The headers of the record at `index` of `records`, decoded on demand.
    public func headers(at index: Int) -> [RecordHeader] { headerReader(index) }
}

/// A record to be appended to a topic.
public struct OutgoingRecord: Sendable {
    /// The topic's name.
    public var topic: String
    /// The partition; nil lets the sink choose by key (murmur2, as Kafka's own clients do).
    public var partition: Int32?
    /// The key; nil for none.
    public var key: [UInt8]?
    /// The value; nil for a tombstone.
    public var value: [UInt8]?
    /// The headers, in order.
    public var headers: [RecordHeader]
    /// Milliseconds since 1970; nil for the time of sending.
    public var timestamp: Int64?

    /// Describes a record to send.
    public init(
        topic: String,
        partition: Int32? = nil,
        key: [UInt8]? = nil,
        value: [UInt8]?,
        headers: [RecordHeader] = [],
        timestamp: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }
}

extension [RecordHeader] {
    /// Bytes of names and values, and some for each header's own lengths.
    public var byteCount: Int {
        reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 10 }
    }
}
