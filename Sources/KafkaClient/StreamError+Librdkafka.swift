internal import CLibrdkafka
internal import Streaming

extension StreamError {
    /// Describes a failure that librdkafka reported with a code.
    ///
    /// `what` says what failed; librdkafka's own text is added.
    init(
        _ code: rd_kafka_resp_err_t,
        _ what: String,
        detail: String? = nil,
        isFatal: Bool = false,
        isRetriable: Bool? = nil
    ) {
        let kind = Kind(code)
        var text = detail ?? string(rd_kafka_err2str(code))
        if text.hasSuffix(".") { text.removeLast() }
        self.init(
            kind,
            "\(what): \(text)",
            remedy: kind.remedy,
            code: code.rawValue,
            isRetriable: !isFatal && (isRetriable ?? code.isRetriable),
            isFatal: isFatal || kind == .fenced
        )
    }

    /// Describes a failure unless the code means success.
    init?(rejecting code: rd_kafka_resp_err_t, _ what: @autoclosure () -> String) {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        self.init(code, what())
    }

    /// Describes an error object unless it is null, and destroys it.
    init?(consuming error: OpaquePointer?, _ what: @autoclosure () -> String) {
        guard let error else { return nil }
        defer { rd_kafka_error_destroy(error) }
        self.init(
            rd_kafka_error_code(error),
            what(),
            detail: string(rd_kafka_error_string(error)),
            isFatal: rd_kafka_error_is_fatal(error) != 0,
            isRetriable: rd_kafka_error_is_retriable(error) != 0
        )
        if rd_kafka_error_txn_requires_abort(error) != 0 {
            remedy = "abort the transaction and begin it anew"
            needsAbort = true
        }
    }
}

/// Throws what an error object says, unless it is null, and destroys it.
func check(_ error: OpaquePointer?, _ what: @autoclosure () -> String) throws(StreamError) {
    if let failure = StreamError(consuming: error, what()) { throw failure }
}

/// Throws unless the code means success.
func check(_ code: rd_kafka_resp_err_t, _ what: @autoclosure () -> String) throws(StreamError) {
    if let failure = StreamError(rejecting: code, what()) { throw failure }
}

/// The error that made a client useless, if any.
func fatalFailure(of client: OpaquePointer) -> StreamError? {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(client, &text, text.count)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return StreamError(code, "Kafka client stopped", detail: string(text), isFatal: true)
}

extension StreamError.Kind {
    /// The kind that a code belongs to.
    init(_ code: rd_kafka_resp_err_t) {
        switch code {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
            RD_KAFKA_RESP_ERR__RESOLVE:
            self = .unreachable
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
            self = .unknownTopic
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
            self = .topicExists
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
            self = .offsetOutOfRange
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
            self = .fenced
        case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
            RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
            self = .timedOut
        case RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
            RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_INVALID_RECORD,
            RD_KAFKA_RESP_ERR__AUTHENTICATION,
            RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__SSL,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            self = .configuration
        default:
            self = .other
        }
    }

    /// What to do about it when nothing more particular is known.
    var remedy: String {
        switch self {
        case .configuration: "correct the request or the Kafka settings"
        case .unreachable: "check the address and that the broker runs; reconnecting goes on"
        case .unknownTopic: "create the topic or correct its name or partition"
        case .topicExists: "use it as it is or delete it first"
        case .offsetOutOfRange: "read on from the first or the end offset of the partition"
        case .fenced: "stop: a newer instance has taken over"
        case .timedOut: "check that the broker runs, then try again or allow more time"
        case .other: "see the broker's log"
        }
    }
}

extension rd_kafka_resp_err_t {
    /// Whether the same request can succeed later.
    var isRetriable: Bool {
        switch self {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
            RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__TIMED_OUT,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__QUEUE_FULL,
            RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__WAIT_COORD,
            RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
            true
        default:
            false
        }
    }
}
