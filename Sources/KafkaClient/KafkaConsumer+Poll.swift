internal import CLibrdkafka
public import Streaming

extension KafkaConsumer {
    /// The next records, at most `maximumCount`; empty when none came within `timeout`.
    ///
    /// Returns as soon as there is any record, with all that are there, and without any when the end
    /// of an assigned partition is reached. Rebalances of a group happen inside. Blocks up to
    /// `timeout`.
    /// - Parameters:
    ///   - maximumCount: At least 1; more than 100,000 counts as 100,000.
    ///   - timeout: How long to wait for the first record.
    /// - Returns: The records, which keep their memory until the batch is destroyed.
    /// - Throws: When reading on is pointless or would skip records: an assigned topic does not
    ///   exist, an offset is gone, a batch is damaged, access is denied.
    public func poll(
        maximumCount: Int,
        timeout: Duration
    ) throws(StreamError) -> RecordBatch {
        let handle = try opened()
        handle.noticeRecovery()
        if !handle.target.errors.isEmpty { throw handle.target.errors.removeFirst() }
        let memory = emptyMemory(capacity: min(max(maximumCount, 1), 100_000), handle)
        // librdkafka waits until it has as many as asked for: so take what is there, and only when
        // that is nothing wait for one.
        memory.fill(waiting: 0)
        if memory.count == 0, timeout > .zero {
            memory.fill(waiting: milliseconds(timeout), upTo: 1)
            if memory.count == 1 { memory.fill(waiting: 0) }
        }
        memory.removeErrors { message in note(message, handle) }
        if memory.count == 0 {
            spareMemory = memory
            if !handle.target.errors.isEmpty { throw handle.target.errors.removeFirst() }
            if let error = fatalFailure(of: handle.client) { throw error }
            return RecordBatch(records: [])
        }
        let records = records(of: memory)
        if readAhead.hasConsumed(records) { handle.touchBroker() }
        return RecordBatch(
            records: records,
            headers: memory.headers(at:),
            release: memory.release
        )
    }

    /// Memory for a batch: that of an empty poll before, or new.
    private func emptyMemory(capacity: Int, _ handle: ClientHandle) -> MessageMemory {
        defer { spareMemory = nil }
        if let spareMemory, spareMemory.capacity == capacity { return spareMemory }
        return MessageMemory(capacity: capacity, handle: handle)
    }

    /// Describes messages as records that point into them.
    private func records(of memory: MessageMemory) -> [Record] {
        var lastPointer: OpaquePointer?
        var lastIndex: Int32 = -1
        return [Record](unsafeUninitializedCapacity: memory.count) { buffer, initializedCount in
            for index in 0..<memory.count {
                // fill() stores none but valid messages below `count`.
                guard let message = memory.messages[index] else { continue }
                let topic = message.pointee.rkt
                if topic != lastPointer {
                    lastPointer = topic
                    // Never -1: only partitions of these topics are assigned.
                    lastIndex = Int32(topicPointers.firstIndex { $0 == topic } ?? -1)
                }
                buffer.initializeElement(
                    at: initializedCount,
                    to: Record(message, topicIndex: lastIndex)
                )
                initializedCount += 1
            }
        }
    }

    /// Takes note of a message that reports an error in place of a record.
    private func note(_ message: UnsafePointer<rd_kafka_message_t>, _ handle: ClientHandle) {
        let code = message.pointee.err
        let topic = message.pointee.rkt.map { string(rd_kafka_topic_name($0)) }
        let place = topic.map { "\($0)[\(message.pointee.partition)]" } ?? "\(topics)"
        let text = string(rd_kafka_message_errstr(message))
        switch code {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            guard let topic else { return }
            let partition = TopicPartition(topic: topic, partition: message.pointee.partition)
            handle.target.ends[partition] = message.pointee.offset
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
            handle.target.notices.disconnected(text)
        case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
            handle.target.notices.warn("left the group until the next poll: \(text)")
        default:
            handle.target.consumerFailed(code, place, detail: text)
        }
    }
}

/// Decides when librdkafka has to be woken to read ahead.
///
/// When as much is read ahead as may be, the thread that fetches goes to sleep, for up to a second,
/// and librdkafka 2.0.2 does not wake it when records are taken: a reader that is slower than the
/// network would then read at most 100,000 records a second. A request wakes it. (From 2.2 on
/// librdkafka looks again every `fetch.queue.backoff.ms`.)
struct ReadAhead {
    private let recordLimit: Int
    private let byteLimit: Int
    private var recordCount = 0
    private var byteCount = 0

    /// A quarter of what may be read ahead, by librdkafka's defaults or the settings.
    ///
    /// A quarter, because with several brokers it is chance which one's thread is woken.
    init(_ settings: KafkaSettings) {
        let records = settings.properties["queued.min.messages"].flatMap { Int($0) } ?? 100_000
        let kilobytes =
            settings.properties["queued.max.messages.kbytes"].flatMap { Int($0) } ?? 65_536
        recordLimit = max(records / 4, 1)
        byteLimit = max(kilobytes * 256, 1)
    }

    /// Counts records taken; true once for every quarter of the limit.
    mutating func hasConsumed(_ records: [Record]) -> Bool {
        recordCount += records.count
        for record in records { byteCount += record.value?.count ?? 0 }
        guard recordCount >= recordLimit || byteCount >= byteLimit else { return false }
        recordCount = 0
        byteCount = 0
        return true
    }
}

extension Record {
    /// Describes a message's bytes, which stay where they are.
    @inline(__always)
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>, topicIndex: Int32) {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &type)
        self.init(
            topicIndex: topicIndex,
            partition: message.pointee.partition,
            offset: message.pointee.offset,
            timestamp: timestamp,
            key: message.pointee.key.map {
                UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len)
            },
            value: message.pointee.payload.map {
                UnsafeRawBufferPointer(start: $0, count: message.pointee.len)
            }
        )
    }
}

/// The messages of one batch: owner of them until `release`, and of a reference to the client that
/// their memory belongs to.
final class MessageMemory {
    private(set) var messages: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private(set) var count = 0
    let capacity: Int
    private let handle: ClientHandle

    init(capacity: Int, handle: ClientHandle) {
        self.capacity = capacity
        self.handle = handle
        messages = .allocate(capacity: capacity)
    }

    deinit {
        release()
        messages.deallocate()
    }

    /// Adds what the consumer's queue has, or gets within the time; serves its callbacks.
    func fill(waiting milliseconds: Int32, upTo limit: Int = .max) {
        let room = min(limit, capacity - count)
        guard room > 0 else { return }
        let added = rd_kafka_consume_batch_queue(
            handle.consumerQueue,
            milliseconds,
            messages + count,
            room
        )
        if added > 0 { count += added }
    }

    /// Hands messages that report an error to `note` and destroys them.
    func removeErrors(_ note: (UnsafePointer<rd_kafka_message_t>) -> Void) {
        var kept = 0
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                messages[kept] = message
                kept += 1
            } else {
                note(message)
                rd_kafka_message_destroy(message)
            }
        }
        count = kept
    }

    /// Gives the messages back to librdkafka; a second call does nothing.
    func release() {
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            rd_kafka_message_destroy(message)
        }
        count = 0
    }

    /// The headers of one message; empty for an index that is not in the batch.
    func headers(at index: Int) -> [RecordHeader] {
        guard index >= 0, index < count, let message = messages[index] else { return [] }
        // Owned by the message; see rdkafka.h, rd_kafka_message_headers.
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return []
        }
        var result: [RecordHeader] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var byteCount = 0
        while rd_kafka_header_get_all(headers, result.count, &name, &value, &byteCount)
            == RD_KAFKA_RESP_ERR_NO_ERROR
        {
            let bytes = value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: byteCount)) }
            result.append(RecordHeader(name: string(name), value: bytes))
        }
        return result
    }
}
