internal import CLibrdkafka
public import Streaming

/// Appends records to topics of a Kafka cluster.
///
/// Owned by one thread. Idempotent and acknowledged by all replicas: a retry neither repeats nor
/// reorders records. Its own defaults, each of which `KafkaSettings.properties` can change:
/// - records wait 5 ms for company (`linger.ms`) and are compressed with LZ4, the cheapest codec,
///   where the broker knows it;
/// - at most 100,000 records or 64 MiB wait to be sent (`queue.buffering.max.messages`,
///   `.kbytes`); then `send` blocks;
/// - a record is given up after 5 minutes, or 60 s in a transaction (`message.timeout.ms`,
///   `transaction.timeout.ms`), so that a broker can restart meanwhile;
/// - a record without partition goes to murmur2 of its key, as with Kafka's own clients.
///
/// Every `send` with a token other than 0 gets exactly one `Delivery`; with token 0 only a failure
/// gets one. Records still waiting when the producer is destroyed are lost: `flush` first.
public final class KafkaProducer: RecordSink {
    let handle: ClientHandle
    /// Bound of deliveries waiting for `takeDeliveries`; with those still in flight at most this
    /// and `queue.buffering.max.messages` exist.
    private let deliveryLimit = 200_000
    /// Deliveries are looked for once in so many sends: a look costs as much as a send.
    private let sendsPerPoll = 64
    private var sendsUntilPoll = 64
    private var lastTopic = ""
    private var lastTopicPointer: OpaquePointer?

    private let givesUp: () -> Bool

    /// Makes a producer.
    /// - Parameters:
    ///   - settings: How to reach the cluster.
    ///   - transactionalID: The name that fences older producers of the same name; nil for a
    ///     producer without transactions.
    ///   - givesUp: Asked while a full queue blocks `send`; `send` throws once it says true.
    /// - Throws: A configuration error when a property is refused.
    public init(
        _ settings: KafkaSettings,
        transactionalID: String? = nil,
        givesUp: @escaping () -> Bool = { false }
    ) throws(StreamError) {
        self.givesUp = givesUp
        var defaults = Self.defaults
        if let transactionalID {
            guard !transactionalID.isEmpty else {
                throw StreamError(
                    .configuration,
                    "the transactional id is empty",
                    remedy: "give it a name"
                )
            }
            defaults["transactional.id"] = transactionalID
            // librdkafka lowers message.timeout.ms to this, or to what the settings say.
            defaults["transaction.timeout.ms"] = "60000"
        } else {
            defaults["message.timeout.ms"] = "300000"
        }
        let configuration = Configuration()
        try configuration.apply(settings, defaults: defaults)
        configuration.reportDeliveries()
        handle = try ClientHandle(configuration, type: RD_KAFKA_PRODUCER, settings: settings)
    }

    private static let defaults = [
        "enable.idempotence": "true",
        "acks": "all",
        "linger.ms": "5",
        "compression.codec": "lz4",
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": "100000",
        "queue.buffering.max.kbytes": "65536",
    ]

    /// Hands a record over for sending; its bytes are copied.
    ///
    /// When the bounded queue is full this blocks until there is room.
    /// - Parameters:
    ///   - record: What to append, and where.
    ///   - token: Comes back in the record's `Delivery`; 0 when only a failure is of interest.
    /// - Throws: When the record cannot be taken, for instance because it is larger than
    ///   `message.max.bytes`; `fenced` and other fatal errors when the producer is of no more use.
    public func send(_ record: OutgoingRecord, token: UInt64) throws(StreamError) {
        let topic = try topicPointer(record.topic)
        let headers = record.headers.isEmpty ? nil : try headerList(record.headers)
        var failure: StreamError?
        withBytes(record.key) { key in
            withBytes(record.value) { value in
                do throws(StreamError) {
                    try enqueue(
                        Message(
                            topic: topic,
                            partition: record.partition,
                            key: key,
                            value: value,
                            timestamp: record.timestamp,
                            headers: headers,
                            token: token
                        ),
                        topicName: record.topic
                    )
                } catch {
                    failure = error
                }
            }
        }
        guard let failure else { return }
        // Only a record that was taken takes its headers over.
        if let headers { rd_kafka_headers_destroy(headers) }
        throw failure
    }

    /// Hands a record over for sending, from raw memory, which is copied once.
    ///
    /// The fast way for many records. Blocks as `send(_:token:)` does.
    /// - Parameters:
    ///   - topic: The topic's name; the same as in the call before is quickest.
    ///   - partition: The partition; nil to choose by key.
    ///   - key: The key's bytes; nil for none.
    ///   - value: The value's bytes; nil for a tombstone.
    ///   - timestamp: Milliseconds since 1970; nil for now.
    ///   - token: Comes back in the record's `Delivery`; 0 when only a failure is of interest.
    /// - Throws: As `send(_:token:)`.
    public func send(
        topic: String,
        partition: Int32?,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        timestamp: Int64?,
        token: UInt64
    ) throws(StreamError) {
        try enqueue(
            Message(
                topic: try topicPointer(topic),
                partition: partition,
                key: key,
                value: value,
                timestamp: timestamp,
                headers: nil,
                token: token
            ),
            topicName: topic
        )
    }

    /// The fate of records sent earlier, in no particular order.
    ///
    /// Does not block.
    /// - Returns: Deliveries since the last call. The offset is -1 when the record was not
    ///   appended, or was by a retry whose answer did not tell the offset.
    public func takeDeliveries() -> [Delivery] {
        rd_kafka_poll(handle.client, 0)
        defer { handle.target.deliveries = [] }
        return handle.target.deliveries
    }

    /// Waits until every record sent has been delivered or given up.
    /// - Parameter timeout: How long to wait.
    /// - Returns: Whether it was so within `timeout`.
    /// - Throws: When librdkafka refuses to; what befell the records is in their deliveries.
    public func flush(timeout: Duration) throws(StreamError) -> Bool {
        let code = rd_kafka_flush(handle.client, milliseconds(timeout))
        handle.noticeRecovery()
        guard code != RD_KAFKA_RESP_ERR__TIMED_OUT else { return false }
        try check(code, "flush")
        return true
    }

    /// What happened since the last call.
    public func takeNotices() -> [StreamNotice] {
        rd_kafka_poll(handle.client, 0)
        handle.noticeRecovery()
        return handle.target.notices.take()
    }

    private func topicPointer(_ name: String) throws(StreamError) -> OpaquePointer {
        if let lastTopicPointer, name == lastTopic { return lastTopicPointer }
        let pointer = try handle.topicHandle(name)
        lastTopic = name
        lastTopicPointer = pointer
        return pointer
    }

    /// Gives a message to librdkafka, waiting for room in its queue.
    private func enqueue(_ message: Message, topicName: String) throws(StreamError) {
        sendsUntilPoll -= 1
        if sendsUntilPoll <= 0 {
            sendsUntilPoll = sendsPerPoll
            rd_kafka_poll(handle.client, 0)
            handle.noticeRecovery()
        }
        guard handle.target.deliveries.count < deliveryLimit else {
            throw StreamError(
                .other,
                "\(deliveryLimit) deliveries wait to be taken",
                remedy: "call takeDeliveries between sends",
                isRetriable: true
            )
        }
        var code = message.enqueue(owner: handle.client)
        while code == RD_KAFKA_RESP_ERR__QUEUE_FULL {
            guard rd_kafka_outq_len(handle.client) > 0 else {
                throw StreamError(
                    .configuration,
                    "record of \(message.byteCount) bytes for \"\(topicName)\" is "
                        + "larger than the queue",
                    remedy: "raise queue.buffering.max.kbytes"
                )
            }
            if givesUp() {
                throw StreamError(
                    .timedOut,
                    "stopped while the queue for \"\(topicName)\" was full",
                    remedy: "start again when the broker is back",
                    isRetriable: true
                )
            }
            // Serves delivery reports, which make room. message.timeout.ms bounds the wait.
            rd_kafka_poll(handle.client, 100)
            handle.noticeRecovery()
            code = message.enqueue(owner: handle.client)
        }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        if let fatal = fatalFailure(of: handle.client) { throw fatal }
        throw refusal(code, of: message, topicName: topicName)
    }

    private func refusal(
        _ code: rd_kafka_resp_err_t,
        of message: Message,
        topicName: String
    ) -> StreamError {
        let place = message.partition.map { "\(topicName)[\($0)]" } ?? "topic \"\(topicName)\""
        var error = StreamError(code, "record of \(message.byteCount) bytes for \(place)")
        if code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE {
            error.remedy =
                "send less, or raise message.max.bytes here and max.message.bytes "
                + "of the topic"
        } else if code == RD_KAFKA_RESP_ERR__STATE {
            error.remedy = "begin a transaction first, and send nothing while it ends"
        }
        return error
    }

    private func headerList(_ headers: [RecordHeader]) throws(StreamError) -> OpaquePointer {
        guard let list = rd_kafka_headers_new(headers.count) else {
            throw StreamError(.other, "librdkafka made no headers", remedy: "free some memory")
        }
        for header in headers {
            let code = withBytes(header.value) { value in
                rd_kafka_header_add(
                    list,
                    header.name,
                    header.name.utf8.count,
                    value?.baseAddress,
                    value?.count ?? 0
                )
            }
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_headers_destroy(list)
                throw StreamError(code, "header \"\(header.name)\"")
            }
        }
        return list
    }

    /// The bytes of an array; empty ones with an address, since librdkafka takes null for none.
    private func withBytes<Result>(
        _ bytes: [UInt8]?,
        _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        guard let bytes else { return body(nil) }
        return bytes.withUnsafeBytes { buffer in
            body(addressed(buffer, owner: handle.client))
        }
    }
}
