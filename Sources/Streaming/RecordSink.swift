/// Where records are appended.
///
/// Owned by one thread.
public protocol RecordSink: AnyObject {
    /// Hands a record over for sending; its bytes are copied. When the bounded queue is full this
    /// blocks until there is room, which is how back-pressure reaches the caller.
    ///
    /// `token` comes back in the record's `Delivery`.
    func send(_ record: OutgoingRecord, token: UInt64) throws(StreamError)

    /// The fate of records sent earlier, in no particular order. Does not block.
    func takeDeliveries() -> [Delivery]

    /// Waits until every record sent has been delivered or given up. Returns false on time-out.
    /// The deliveries stay available to `takeDeliveries`.
    func flush(timeout: Duration) throws(StreamError) -> Bool

    /// What happened since the last call.
    func takeNotices() -> [StreamNotice]
}

/// What became of a record that was sent.
public struct Delivery: Sendable {
    /// The token given to `send`.
    public var token: UInt64
    /// The partition it was appended to, when known.
    public var partition: Int32
    /// Its offset; -1 when it was not appended.
    public var offset: Offset
    /// Why it was not appended; nil on success.
    public var error: StreamError?

    /// Describes a delivery.
    public init(token: UInt64, partition: Int32, offset: Offset, error: StreamError?) {
        self.token = token
        self.partition = partition
        self.offset = offset
        self.error = error
    }
}
