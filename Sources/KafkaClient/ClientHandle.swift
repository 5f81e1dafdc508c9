internal import CLibrdkafka
internal import Foundation
internal import Streaming

/// Owner of one librdkafka client and of everything that must go before it.
///
/// Used by one thread at a time: the owner of the consumer, producer or admin that it belongs to.
/// Record batches hold on to it, because their bytes belong to the client: it is destroyed with the
/// last of them.
final class ClientHandle {
    let client: OpaquePointer
    let target: CallbackTarget
    /// The queue that a consumer polls; nil for other clients.
    let consumerQueue: OpaquePointer?
    private let settings: KafkaSettings
    private var topicHandles: [String: OpaquePointer] = [:]
    /// What `touchBroker` asks about.
    ///
    /// Naming one of its topics keeps a consumer's question from
    /// creating a topic that was deleted; nil asks about all that the client uses.
    var probeTopic: OpaquePointer?
    private var lastProbe: ContinuousClock.Instant?

    /// More topics than any deployment of ours has; beyond it the cache starts anew.
    private let topicHandleLimit = 1024
    /// Pause between two looks for a broker while none is known to answer.
    private let probeInterval = Duration.milliseconds(100)

    /// Starts a client of the type.
    init(
        _ configuration: consuming Configuration,
        type: rd_kafka_type_t,
        settings: KafkaSettings
    ) throws(StreamError) {
        let target = CallbackTarget(address: settings.bootstrapServers)
        configuration.direct(to: target)
        client = try configuration.start(type)
        self.target = target
        self.settings = settings
        if type == RD_KAFKA_CONSUMER {
            rd_kafka_poll_set_consumer(client)
            consumerQueue = rd_kafka_queue_get_consumer(client)
        } else {
            consumerQueue = nil
        }
    }

    deinit {
        for topic in topicHandles.values { rd_kafka_topic_destroy(topic) }
        if let consumerQueue { rd_kafka_queue_destroy(consumerQueue) }
        guard consumerQueue != nil, rd_kafka_consumer_closed(client) == 0 else {
            // Joins librdkafka's threads: after it no callback can reach `target`.
            rd_kafka_destroy(client)
            return
        }
        // Closing timed out, for instance because a commit waits for a broker that is gone: then
        // destroying waits as long. Nobody else uses client and target any more, so that they may
        // cross to a thread of their own.
        nonisolated(unsafe) let client = client
        nonisolated(unsafe) let target = target
        Thread.detachNewThread {
            withExtendedLifetime(target) {
                rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            }
        }
    }

    /// Leaves a consumer's group after pending commits; gives up waiting after `timeout`.
    func closeConsumer(timeout: Duration) {
        let queue = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(queue) }
        if let error = rd_kafka_consumer_close_queue(client, queue) {
            rd_kafka_error_destroy(error)
            return
        }
        let deadline = ContinuousClock.now + timeout
        while rd_kafka_consumer_closed(client) == 0, ContinuousClock.now < deadline {
            // Serves the callbacks of revocation and commits.
            var message: UnsafeMutablePointer<rd_kafka_message_t>?
            let count = rd_kafka_consume_batch_queue(queue, 20, &message, 1)
            if count > 0, let message { rd_kafka_message_destroy(message) }
        }
    }

    /// The topic's handle, which stays valid while this object lives and no other 1024 are used.
    func topicHandle(_ name: String) throws(StreamError) -> OpaquePointer {
        if let known = topicHandles[name] { return known }
        guard let topic = rd_kafka_topic_new(client, name, nil) else {
            throw StreamError(rd_kafka_last_error(), "topic \"\(name)\" cannot be used")
        }
        if topicHandles.count >= topicHandleLimit {
            for old in topicHandles.values { rd_kafka_topic_destroy(old) }
            topicHandles = [:]
        }
        topicHandles[name] = topic
        return topic
    }

    /// After a lost connection, tells when a broker answers again.
    ///
    /// Does not block.
    func noticeRecovery() {
        guard target.notices.isDisconnected else { return }
        let now = ContinuousClock.now
        if let lastProbe, now - lastProbe < probeInterval { return }
        lastProbe = now
        if touchBroker() { target.notices.connected() }
    }

    /// Sends a small request, whose answer nobody waits for, to any connected broker.
    ///
    /// False when none is connected. Does not block. The request wakes librdkafka's thread for
    /// that broker.
    @discardableResult
    func touchBroker() -> Bool {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client, 0, probeTopic, &metadata, 0)
        if let metadata { rd_kafka_metadata_destroy(metadata) }
        return code != RD_KAFKA_RESP_ERR__TRANSPORT
    }

    /// An error that says which broker was asked and why it did not answer.
    func failure(_ code: rd_kafka_resp_err_t, _ what: String) -> StreamError {
        let error = StreamError(code, what)
        guard error.isUnanswered else { return error }
        let reason = target.notices.lastFailure
        let detail = reason.isEmpty ? string(rd_kafka_err2str(code)) : reason
        return StreamError(
            code,
            what,
            detail: "no answer from \(settings.bootstrapServers) (\(detail))"
        )
    }
}

/// A duration as librdkafka's milliseconds, rounded up, at least 0.
func milliseconds(_ duration: Duration) -> Int32 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 2_000_000 else { return 2_000_000_000 }
    return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
}
