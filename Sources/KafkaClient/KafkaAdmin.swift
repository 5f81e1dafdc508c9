internal import CLibrdkafka
public import Streaming

/// Creates, describes and deletes topics of a Kafka cluster, and asks how far groups have come.
///
/// Owned by one thread; every call blocks up to its time-out.
public final class KafkaAdmin {
    let handle: ClientHandle

    /// Makes a client for administration.
    /// - Parameter settings: How to reach the cluster.
    /// - Throws: A configuration error when a property is refused.
    public init(_ settings: KafkaSettings) throws(StreamError) {
        let configuration = Configuration()
        try configuration.apply(settings, defaults: [:])
        // librdkafka has no client for administration alone; a producer has the fewest threads.
        handle = try ClientHandle(configuration, type: RD_KAFKA_PRODUCER, settings: settings)
    }

    /// What happened since the last call.
    /// - Returns: Lost and regained connections, warnings.
    public func takeNotices() -> [StreamNotice] {
        rd_kafka_poll(handle.client, 0)
        handle.noticeRecovery()
        return handle.target.notices.take()
    }

    /// Creates topics.
    /// - Parameters:
    ///   - topics: The topics, each created or refused on its own.
    ///   - timeout: How long to block.
    /// - Returns: For each topic what went wrong; nil when it was created.
    /// - Throws: A configuration error for a topic that cannot be described to a broker (none is
    ///   created then), and when no broker answered.
    public func createTopics(
        _ topics: [NewTopic],
        timeout: Duration
    ) throws(StreamError) -> [(topic: String, error: StreamError?)] {
        guard !topics.isEmpty else { return [] }
        var pointers: [OpaquePointer?] = []
        defer { rd_kafka_NewTopic_destroy_array(&pointers, pointers.count) }
        for topic in topics { pointers.append(try make(topic)) }
        let names = topics.map(\.name)
        let event = try request(
            RD_KAFKA_ADMIN_OP_CREATETOPICS,
            "creating topics \(names)",
            timeout: timeout
        ) { options, queue in
            rd_kafka_CreateTopics(handle.client, &pointers, pointers.count, options, queue)
        }
        var count = 0
        let results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(event.pointer),
            &count
        )
        return outcomes(results, count, "topic")
    }

    /// Deletes topics and all their records.
    /// - Parameters:
    ///   - names: The topics, each deleted or refused on its own.
    ///   - timeout: How long to block.
    /// - Returns: For each topic what went wrong; nil when it was deleted.
    /// - Throws: When no broker answered.
    public func deleteTopics(
        _ names: [String],
        timeout: Duration
    ) throws(StreamError) -> [(topic: String, error: StreamError?)] {
        guard !names.isEmpty else { return [] }
        var pointers = names.map { rd_kafka_DeleteTopic_new($0) }
        defer { rd_kafka_DeleteTopic_destroy_array(&pointers, pointers.count) }
        let event = try request(
            RD_KAFKA_ADMIN_OP_DELETETOPICS,
            "deleting topics \(names)",
            timeout: timeout
        ) { options, queue in
            rd_kafka_DeleteTopics(handle.client, &pointers, pointers.count, options, queue)
        }
        var count = 0
        let results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(event.pointer),
            &count
        )
        return outcomes(results, count, "topic")
    }

    private func make(_ topic: NewTopic) throws(StreamError) -> OpaquePointer {
        var text = [CChar](repeating: 0, count: 512)
        guard
            let pointer = rd_kafka_NewTopic_new(
                topic.name,
                Int32(clamping: topic.partitionCount),
                Int32(clamping: topic.replicationFactor),
                &text,
                text.count
            )
        else {
            throw StreamError(
                .configuration,
                "topic \"\(topic.name)\" with \(topic.partitionCount) partitions "
                    + "on \(topic.replicationFactor) brokers: \(string(text))",
                remedy: "correct its name, partition count or replication factor"
            )
        }
        for (name, value) in topic.configuration {
            let code = rd_kafka_NewTopic_set_config(pointer, name, value)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_NewTopic_destroy(pointer)
                throw StreamError(code, "property \"\(name)\" of topic \"\(topic.name)\"")
            }
        }
        return pointer
    }

    private func outcomes(
        _ results: UnsafeMutablePointer<OpaquePointer?>?,
        _ count: Int,
        _ what: String
    ) -> [(topic: String, error: StreamError?)] {
        (0..<count).compactMap { index in
            guard let result = results?[index] else { return nil }
            let name = string(rd_kafka_topic_result_name(result))
            let code = rd_kafka_topic_result_error(result)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return (name, nil) }
            let detail = rd_kafka_topic_result_error_string(result).map { string($0) }
            return (name, StreamError(code, "\(what) \"\(name)\"", detail: detail))
        }
    }

    /// Sends a request of the admin interface and waits for its answer.
    func request(
        _ operation: rd_kafka_admin_op_t,
        _ what: String,
        timeout: Duration,
        _ send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
    ) throws(StreamError) -> AdminEvent {
        let queue = rd_kafka_queue_new(handle.client)
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(handle.client, operation)
        defer { rd_kafka_AdminOptions_destroy(options) }
        // librdkafka takes 1 ms to 1 h; the broker gets as long to finish as we wait.
        let wait = min(max(milliseconds(timeout), 1), 3_600_000)
        var text = [CChar](repeating: 0, count: 512)
        rd_kafka_AdminOptions_set_request_timeout(options, wait, &text, text.count)
        rd_kafka_AdminOptions_set_operation_timeout(options, wait, &text, text.count)
        send(options, queue)
        // The request's own time-out ends it; the margin is for its answer to reach the queue.
        guard let event = rd_kafka_queue_poll(queue, wait + 1000) else {
            throw handle.failure(RD_KAFKA_RESP_ERR__TIMED_OUT, what)
        }
        let answer = AdminEvent(pointer: event)
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let failure = handle.failure(code, what)
            guard failure.isUnanswered else {
                throw StreamError(code, what, detail: string(rd_kafka_event_error_string(event)))
            }
            throw failure
        }
        return answer
    }
}

/// The answer to an admin request; owner of the event and of the results in it.
final class AdminEvent {
    let pointer: OpaquePointer

    init(pointer: OpaquePointer) { self.pointer = pointer }

    deinit { rd_kafka_event_destroy(pointer) }
}
