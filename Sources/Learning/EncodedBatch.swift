/// Raw events in their order, borrowed: bytes and headers are valid only during the call that they
/// are passed to.
public struct EncodedBatch {
    /// The events.
    public let events: UnsafeBufferPointer<EncodedEvent>
    private let readHeaders: (Int) -> [EventHeader]

    /// Lends events.
    ///
    /// `headers` reads those of the event at an index; it is called only for events whose headers
    /// are asked for.
    public init(
        _ events: UnsafeBufferPointer<EncodedEvent>,
        headers: @escaping (Int) -> [EventHeader] = { _ in [] }
    ) {
        self.events = events
        readHeaders = headers
    }

    /// Number of events.
    public var count: Int { events.count }

    /// The positions of the events.
    public var indices: Range<Int> { events.indices }

    /// The event at an index.
    public subscript(index: Int) -> EncodedEvent { events[index] }

    /// The headers of the event at an index, in their order; they are read anew by each call.
    public func headers(at index: Int) -> [EventHeader] { readHeaders(index) }
}

/// One raw event, borrowed: its bytes are valid only during the call it is passed to.
public struct EncodedEvent {
    /// The partition it came from.
    public var partition: Int32
    /// Its offset there.
    public var offset: Int64
    /// When it was appended, in milliseconds since 1970.
    public var recordTimestamp: Int64
    /// The key's bytes; nil for none.
    public var key: UnsafeRawBufferPointer?
    /// The value's bytes; nil for a tombstone.
    public var value: UnsafeRawBufferPointer?

    /// Describes an event.
    public init(
        partition: Int32,
        offset: Int64,
        recordTimestamp: Int64,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?
    ) {
        self.partition = partition
        self.offset = offset
        self.recordTimestamp = recordTimestamp
        self.key = key
        self.value = value
    }
}

/// A name and bytes that came with an event.
public struct EventHeader: Equatable, Sendable {
    /// The header's name; names may repeat.
    public var name: String
    /// Its bytes; nil is a null value.
    public var value: [UInt8]?

    /// Makes a header.
    public init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// An event that could not be decoded, for the dead letters.
public struct Rejection: Sendable, Equatable {
    /// Index of the event in the batch that was decoded.
    public var index: Int
    /// What is wrong with it, and what was expected.
    ///
    /// It goes to the log and into a header of the dead letter: the offending value is quoted
    /// shortened, and not at all where values are about persons.
    public var reason: String

    /// Describes a rejected event.
    public init(index: Int, reason: String) {
        self.index = index
        self.reason = reason
    }
}
