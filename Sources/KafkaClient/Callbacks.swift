internal import CLibrdkafka
internal import Streaming

// What librdkafka calls. Each function gets the opaque pointer set in Configuration.direct(to:) and
// does nothing when it is absent, as it may be while a client is being made.

/// Where the callbacks of one client put what they learn.
///
/// `notices` may be written from librdkafka's threads. The rest is touched only by callbacks that
/// run inside the owner's own calls of poll, flush and commit, thus by one thread.
final class CallbackTarget {
    let notices: NoticeInbox
    var deliveries: [Delivery] = []
    /// What a consumer's next polls throw, at most `errorLimit`, no two the same.
    var errors: [StreamError] = []
    /// Whether a group chooses the partitions.
    var isGroupMember = false
    /// Where reading found no more records, by assigned partition.
    var ends: [TopicPartition: Offset] = [:]
    /// Partitions that a consumer paused and has not resumed.
    var pausedPartitions: Set<TopicPartition> = []
    private let errorLimit = 16

    init(address: String) { notices = NoticeInbox(address: address) }

    /// Keeps a consumer's error for the next poll if reading on is pointless or would skip records,
    /// and tells it as a warning otherwise, since librdkafka then tries again by itself.
    func consumerFailed(_ code: rd_kafka_resp_err_t, _ what: String, detail: String) {
        let error = StreamError(code, what, detail: detail)
        let isFinal: Bool
        switch error.kind {
        case .unreachable, .timedOut:
            notices.connectionFailed(detail)
            return
        case .unknownTopic:
            // A group goes on with its other topics, and takes this one up when it appears.
            isFinal = !isGroupMember
        case .configuration, .offsetOutOfRange, .fenced, .topicExists:
            isFinal = true
        case .other:
            isFinal =
                code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION
                || code == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED
        }
        guard isFinal else {
            notices.warn(error.description)
            return
        }
        if errors.count < errorLimit, !errors.contains(error) { errors.append(error) }
    }
}

/// The target behind an opaque pointer.
private func target(_ opaque: UnsafeMutableRawPointer?) -> CallbackTarget? {
    // Alive: its ClientHandle destroys the client before letting go of it.
    opaque.map { Unmanaged<CallbackTarget>.fromOpaque($0).takeUnretainedValue() }
}

/// A log line, from any of librdkafka's threads.
///
/// It may touch nothing but `notices`.
func logCallback(
    client: OpaquePointer?,
    level: Int32,
    facility: UnsafePointer<CChar>?,
    text: UnsafePointer<CChar>?
) {
    guard let client, let notices = target(rd_kafka_opaque(client))?.notices else { return }
    let line = string(text)
    let facility = string(facility)
    if facility == "FAIL" {
        // One line per connection attempt; told by the error callback when all have failed.
        notices.connectionFailed(line)
    } else if facility == "CONFWARN", line.contains("will be ignored by this") {
        // One map of properties serves consumers and producers: expected.
    } else if level >= 7 {
        notices.add(.warning("\(facility): \(line)"))  // The operator asked with `debug`.
    } else {
        notices.warn("\(facility): \(line)")
    }
}

/// An error of the client as a whole; librdkafka goes on trying unless it is fatal.
///
/// Called inside the owner's poll, flush or commit.
func errorCallback(
    client: OpaquePointer?,
    code: Int32,
    text: UnsafePointer<CChar>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let target = target(opaque) else { return }
    let notices = target.notices
    let code = rd_kafka_resp_err_t(rawValue: code)
    switch code {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        notices.disconnected(string(text))
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__RESOLVE,
        RD_KAFKA_RESP_ERR__TIMED_OUT:
        notices.connectionFailed(string(text))
    case RD_KAFKA_RESP_ERR__FATAL:
        guard let client, let error = fatalFailure(of: client) else { return }
        notices.warn(error.description)
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        // Of an assigned partition; unlike a consumer's other errors it comes this way.
        target.consumerFailed(code, "cannot be read", detail: string(text))
    default:
        notices.warn(string(text))
    }
}

/// The fate of one record that was sent.
///
/// Called inside the owner's poll, flush or commit.
func deliveryCallback(
    client: OpaquePointer?,
    message: UnsafePointer<rd_kafka_message_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let message else { return }
    let token = UInt64(UInt(bitPattern: message.pointee._private))
    let isDelivered = message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR
    if isDelivered, token == 0 { return }
    target(opaque)?.deliveries.append(
        Delivery(
            token: token,
            partition: message.pointee.partition,
            offset: isDelivered ? max(message.pointee.offset, -1) : -1,
            error: isDelivered ? nil : deliveryError(message)
        )
    )
}

private func deliveryError(_ message: UnsafePointer<rd_kafka_message_t>) -> StreamError {
    let topic = string(rd_kafka_topic_name(message.pointee.rkt))
    return StreamError(
        message.pointee.err,
        "record for \(topic)[\(message.pointee.partition)] was not delivered"
    )
}

/// A change of a group member's partitions, which takes effect by what is called here.
///
/// Called inside the owner's poll or close.
func rebalanceCallback(
    client: OpaquePointer?,
    code: rd_kafka_resp_err_t,
    list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let client, let target = target(opaque) else { return }
    // A cooperative group tells the changes of an assignment, an eager one the whole of it.
    let isCooperative = string(rd_kafka_rebalance_protocol(client)) == "COOPERATIVE"
    let partitions = (list.map { positions(of: $0).map(\.0) } ?? []).sorted()
    let failure: StreamError?
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        failure =
            isCooperative
            ? StreamError(consuming: rd_kafka_incremental_assign(client, list), "assignment")
            : StreamError(rejecting: rd_kafka_assign(client, list), "assignment")
        if failure == nil { target.notices.add(.assigned(partitions)) }
    } else {
        // librdkafka would keep the pause for when the partition comes back.
        let paused = target.pausedPartitions.intersection(partitions)
        if !paused.isEmpty {
            let list = PartitionList(Array(paused))
            rd_kafka_resume_partitions(client, list.pointer)
            target.pausedPartitions.subtract(paused)
        }
        failure =
            isCooperative && code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS
            ? StreamError(consuming: rd_kafka_incremental_unassign(client, list), "revocation")
            : StreamError(rejecting: rd_kafka_assign(client, nil), "revocation")
        if !partitions.isEmpty { target.notices.add(.revoked(partitions)) }
    }
    if let failure { target.notices.add(.warning("group \(failure.description)")) }
}

/// The fate of a commit.
///
/// Called inside the owner's poll or close.
func commitCallback(
    client: OpaquePointer?,
    code: rd_kafka_resp_err_t,
    list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
    opaque: UnsafeMutableRawPointer?
) {
    guard let failure = StreamError(rejecting: code, "offsets were not committed"),
        code != RD_KAFKA_RESP_ERR__NO_OFFSET
    else { return }
    target(opaque)?.notices.warn(failure.description)
}
