internal import CLibrdkafka
internal import Streaming

// What librdkafka calls. Each function gets the opaque pointer set in Configuration.direct(to:) and
// does nothing when it is absent, as it may be while a client is being made.

/// Where the callbacks of one client put what they learn.
///
/// `notices` may be written from librdkafka's threads. `deliveries` is touched only by callbacks
/// that run inside the owner's own calls of poll, flush and commit, thus by one thread.
final class CallbackTarget {
    let notices = NoticeInbox()
    var deliveries: [Delivery] = []
}

/// The target behind an opaque pointer.
private func target(_ opaque: UnsafeMutableRawPointer?) -> CallbackTarget? {
    // Alive: its ClientHandle destroys the client before letting go of it.
    opaque.map { Unmanaged<CallbackTarget>.fromOpaque($0).takeUnretainedValue() }
}

/// A log line, from any of librdkafka's threads. It may touch nothing but `notices`.
let logCallback:
    @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Void = {
        client,
        level,
        facility,
        text in
        guard let client, let notices = target(rd_kafka_opaque(client))?.notices else { return }
        let line = string(text)
        switch string(facility) {
        case "FAIL":
            // One line per connection attempt; told by the error callback when all have failed.
            notices.connectionFailed(line)
        case "CONFWARN" where line.contains("will be ignored by this"):
            // One map of properties serves consumers and producers: expected.
            break
        case let facility where level >= 7:
            notices.add(.warning("\(facility): \(line)"))  // The operator asked with `debug`.
        case let facility:
            notices.warn("\(facility): \(line)")
        }
    }

/// An error of the client as a whole; librdkafka goes on trying unless it is fatal.
let errorCallback:
    @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void =
        { client, code, text, opaque in
            guard let notices = target(opaque)?.notices else { return }
            let reason = string(text)
            switch rd_kafka_resp_err_t(rawValue: code) {
            case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
                notices.disconnected(reason)
            case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__RESOLVE,
                RD_KAFKA_RESP_ERR__TIMED_OUT:
                notices.connectionFailed(reason)
            case RD_KAFKA_RESP_ERR__FATAL:
                guard let client, let error = fatalError(of: client) else { return }
                notices.warn(error.description)
            default:
                notices.warn(reason)
            }
        }

/// The fate of one record that was sent. Called inside the owner's poll, flush or commit.
let deliveryCallback:
    @convention(c) (
        OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?
    ) -> Void = { _, message, opaque in
        guard let message else { return }
        let token = UInt64(UInt(bitPattern: message.pointee._private))
        let isDelivered = message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR
        if isDelivered, token == 0 { return }
        guard let target = target(opaque) else { return }
        target.deliveries.append(
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

/// A change of a group member's partitions. Called inside the owner's poll or close.
let rebalanceCallback:
    @convention(c) (
        OpaquePointer?, rd_kafka_resp_err_t,
        UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, UnsafeMutableRawPointer?
    ) -> Void = { client, code, list, opaque in
        guard let client, let notices = target(opaque)?.notices else { return }
        let isCooperative = string(rd_kafka_rebalance_protocol(client)) == "COOPERATIVE"
        let partitions = list.map { positions(of: $0).map(\.0) } ?? []
        var failure: StreamError?
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            if isCooperative {
                failure = StreamError(
                    consuming: rd_kafka_incremental_assign(client, list),
                    "group assignment"
                )
            } else {
                failure = StreamError(rejecting: rd_kafka_assign(client, list), "group assignment")
            }
            if failure == nil { notices.add(.assigned(partitions.sorted())) }
        default:
            if code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
                failure = StreamError(code, "group rebalance")
            }
            let revocation: StreamError? =
                isCooperative && code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS
                ? StreamError(
                    consuming: rd_kafka_incremental_unassign(client, list),
                    "group revocation"
                )
                : StreamError(rejecting: rd_kafka_assign(client, nil), "group revocation")
            failure = failure ?? revocation
            if !partitions.isEmpty { notices.add(.revoked(partitions.sorted())) }
        }
        if let failure { notices.add(.warning(failure.description)) }
    }

/// The fate of a commit. Called inside the owner's poll or close.
let commitCallback:
    @convention(c) (
        OpaquePointer?, rd_kafka_resp_err_t,
        UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, UnsafeMutableRawPointer?
    ) -> Void = { _, code, _, opaque in
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET else {
            return
        }
        target(opaque)?.notices.warn(StreamError(code, "offsets were not committed").description)
    }
