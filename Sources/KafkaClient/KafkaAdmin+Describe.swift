internal import CLibrdkafka
public import Streaming

extension KafkaAdmin {
    /// Describes topics.
    /// - Parameters:
    ///   - names: The topics; nil for all.
    ///   - timeout: How long to block.
    /// - Returns: Topics that exist, by name; missing ones are left out, none is created. Each says
    ///   what kept its configuration from being known.
    /// - Throws: When no broker answered.
    public func describeTopics(
        _ names: [String]?,
        timeout: Duration
    ) throws(StreamError) -> [TopicDescription] {
        let deadline = ContinuousClock.now + timeout
        var topics = try listTopics(timeout: timeout)
        if let names {
            let wanted = Set(names)
            topics.removeAll { !wanted.contains($0.name) }
        }
        guard !topics.isEmpty else { return [] }
        do throws(StreamError) {
            let configurations = try configurations(
                of: topics.map(\.name),
                timeout: max(deadline - .now, .milliseconds(1))
            )
            for index in topics.indices {
                switch configurations[topics[index].name] {
                case .success(let configuration): topics[index].configuration = configuration
                case .failure(let error): topics[index].configurationProblem = error.description
                case nil: topics[index].configurationProblem = "the broker did not tell it"
                }
            }
        } catch {
            for index in topics.indices {
                topics[index].configurationProblem = error.description
            }
        }
        return topics
    }

    /// All topics with their counts.
    ///
    /// Asking for all, never for one by name, creates none.
    private func listTopics(timeout: Duration) throws(StreamError) -> [TopicDescription] {
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.client, 1, nil, &answer, milliseconds(timeout))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else {
            throw handle.failure(code, "listing topics")
        }
        defer { rd_kafka_metadata_destroy(answer) }
        return (0..<Int(answer.pointee.topic_cnt))
            .compactMap { index -> TopicDescription? in
                let topic = answer.pointee.topics[index]
                guard topic.partition_cnt > 0 else { return nil }
                return TopicDescription(
                    name: string(topic.topic),
                    partitionCount: Int(topic.partition_cnt),
                    replicationFactor: Int(topic.partitions[0].replica_cnt),
                    configuration: [:]
                )
            }
            .sorted { $0.name < $1.name }
    }

    /// What was set for each topic, or why it is not known.
    private func configurations(
        of topics: [String],
        timeout: Duration
    ) throws(StreamError) -> [String: Result<[String: String], StreamError>] {
        var resources = topics.map { rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0) }
        defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
        let event = try request(
            RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
            "configuration of topics \(topics)",
            timeout: timeout
        ) { options, queue in
            rd_kafka_DescribeConfigs(
                handle.client,
                &resources,
                resources.count,
                options,
                queue
            )
        }
        var count = 0
        let results = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event.pointer),
            &count
        )
        var configurations: [String: Result<[String: String], StreamError>] = [:]
        for index in 0..<count {
            guard let resource = results?[index] else { continue }
            let name = string(rd_kafka_ConfigResource_name(resource))
            let code = rd_kafka_ConfigResource_error(resource)
            configurations[name] =
                StreamError(rejecting: code, "configuration of topic \"\(name)\"")
                .map(Result.failure) ?? .success(changedEntries(of: resource))
        }
        return configurations
    }

    private func changedEntries(of resource: OpaquePointer) -> [String: String] {
        var count = 0
        let entries = rd_kafka_ConfigResource_configs(resource, &count)
        var changed: [String: String] = [:]
        for index in 0..<count {
            guard let entry = entries?[index] else { continue }
            // Brokers before 1.1 tell no source, only whether the value is the default.
            let source = rd_kafka_ConfigEntry_source(entry)
            let isChanged =
                source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG
                || source == RD_KAFKA_CONFIG_SOURCE_UNKNOWN_CONFIG
                    && rd_kafka_ConfigEntry_is_default(entry) == 0
            guard isChanged, let value = rd_kafka_ConfigEntry_value(entry) else { continue }
            changed[string(rd_kafka_ConfigEntry_name(entry))] = string(value)
        }
        return changed
    }

    /// How far a consumer group has come.
    /// - Parameters:
    ///   - group: The group's name.
    ///   - topics: The topics to look at.
    ///   - timeout: How long to block.
    /// - Returns: A position for each partition for which the group has committed an offset.
    /// - Throws: `unknownTopic` for a topic that does not exist, and when no broker answered.
    public func positions(
        ofGroup group: String,
        topics: [String],
        timeout: Duration
    ) throws(StreamError) -> [TopicPartition: GroupPosition] {
        let deadline = ContinuousClock.now + timeout
        let known = try listTopics(timeout: timeout)
        var partitions: [TopicPartition] = []
        for topic in topics {
            guard let description = known.first(where: { $0.name == topic }) else {
                throw StreamError(
                    RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                    "topic \"\(topic)\""
                )
            }
            for partition in 0..<description.partitionCount {
                partitions.append(
                    TopicPartition(topic: topic, partition: Int32(partition))
                )
            }
        }
        guard !partitions.isEmpty else { return [:] }
        let committed = try committedOffsets(
            ofGroup: group,
            partitions,
            timeout: max(deadline - .now, .milliseconds(1))
        )
        var positions: [TopicPartition: GroupPosition] = [:]
        for (partition, offset) in committed {
            let end = try endOffset(
                of: partition,
                timeout: max(deadline - .now, .milliseconds(1))
            )
            positions[partition] = GroupPosition(committed: offset, end: end)
        }
        return positions
    }

    private func committedOffsets(
        ofGroup group: String,
        _ partitions: [TopicPartition],
        timeout: Duration
    ) throws(StreamError) -> [TopicPartition: Offset] {
        let list = PartitionList(partitions)
        var queries = [rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer)]
        defer { rd_kafka_ListConsumerGroupOffsets_destroy_array(&queries, queries.count) }
        let what = "offsets of group \"\(group)\""
        let event = try request(
            RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
            what,
            timeout: timeout
        ) { options, queue in
            rd_kafka_ListConsumerGroupOffsets(
                handle.client,
                &queries,
                queries.count,
                options,
                queue
            )
        }
        var count = 0
        let results = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event.pointer),
            &count
        )
        guard count > 0, let result = results?[0] else { return [:] }
        // Owned by the result: not for us to destroy.
        if let error = rd_kafka_group_result_error(result) {
            throw StreamError(
                rd_kafka_error_code(error),
                what,
                detail: string(rd_kafka_error_string(error))
            )
        }
        guard let offsets = rd_kafka_group_result_partitions(result) else { return [:] }
        return knownOffsets(in: offsets)
    }

    private func endOffset(
        of partition: TopicPartition,
        timeout: Duration
    ) throws(StreamError) -> Offset {
        var first: Offset = -1
        var end: Offset = -1
        let code = rd_kafka_query_watermark_offsets(
            handle.client,
            partition.topic,
            partition.partition,
            &first,
            &end,
            milliseconds(timeout)
        )
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.failure(code, "end offset of \(partition)")
        }
        return end
    }
}
