internal import CLibrdkafka
public import Streaming

extension KafkaConsumer {
    /// Reads exactly these partitions, each from the offset given, and no others.
    ///
    /// Records read ahead for the assignment before are discarded, pauses are lifted. Batches that
    /// were polled before stay valid.
    /// - Parameter positions: The partitions and the offset of the first record to read of each.
    /// - Throws: A configuration error for a negative offset, a topic that is not in `topics`, or
    ///   a consumer whose group assigns.
    public func assign(_ positions: [TopicPartition: Offset]) throws(StreamError) {
        let handle = try opened()
        if let group {
            throw StreamError(
                .configuration,
                "group \"\(group)\" assigns the partitions of this consumer",
                remedy: "make a consumer without a group to assign them by hand"
            )
        }
        try validate(positions)
        try resume(Array(handle.target.pausedPartitions))
        let list = PartitionList(positions)
        handle.target.errors = []
        handle.target.ends = [:]
        try check(rd_kafka_assign(handle.client, list.pointer), "partitions cannot be assigned")
    }

    /// Up to where an assigned partition has been read, if reading last found nothing more there.
    ///
    /// Known within `fetch.wait.max.ms` of the last record; never for a group's partitions.
    public func reachedEnd(of partition: TopicPartition) -> Offset? {
        handle?.target.ends[partition]
    }

    /// Goes on reading assigned partitions from other offsets.
    ///
    /// Blocks up to 10 s.
    /// - Parameter positions: Assigned partitions, and the offset of the next record of each.
    /// - Throws: When an offset is negative or a partition is not assigned.
    public func seek(_ positions: [TopicPartition: Offset]) throws(StreamError) {
        let handle = try opened()
        try validate(positions)
        guard !positions.isEmpty else { return }
        for partition in positions.keys { handle.target.ends[partition] = nil }
        let list = PartitionList(positions)
        try check(
            rd_kafka_seek_partitions(handle.client, list.pointer, 10_000),
            "seek in \(topics)"
        )
        try list.checkEach("cannot seek in")
    }

    /// Goes back to what the group has committed, in these partitions as far as they are assigned;
    /// where it has committed nothing, to the offset given.
    ///
    /// - Parameters:
    ///   - positions: The partitions, and where each was read from without any commit.
    ///   - timeout: How long to wait for the committed offsets; seeking may take 10 s more.
    /// - Throws: When no broker tells them, or a partition is only just being assigned: the call may
    ///   be made again after a poll.
    public func rewind(
        _ positions: [TopicPartition: Offset],
        timeout: Duration
    ) throws(StreamError) {
        var targets = positions
        let assigned = try assignment()
        for partition in positions.keys where !assigned.contains(partition) {
            targets[partition] = nil
        }
        let committed = try committed(targets.keys.sorted(), timeout: timeout)
        try seek(targets.merging(committed) { _, committed in committed })
    }

    private func validate(_ positions: [TopicPartition: Offset]) throws(StreamError) {
        for (partition, offset) in positions {
            guard topics.contains(partition.topic), partition.partition >= 0 else {
                throw StreamError(
                    .configuration,
                    "\(partition) is not of this consumer's topics \(topics)",
                    remedy: "name its topic when the consumer is made"
                )
            }
            guard offset >= 0 else {
                throw StreamError(
                    .configuration,
                    "\(partition) cannot be read from offset \(offset)",
                    remedy: "use an offset of watermarks(of:timeout:)"
                )
            }
        }
    }

    /// The partitions that are read now.
    /// - Returns: Assigned partitions, ascending.
    /// - Throws: When the consumer is closed.
    public func assignment() throws(StreamError) -> [TopicPartition] {
        let handle = try opened()
        var pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
        try check(rd_kafka_assignment(handle.client, &pointer), "assignment of \(topics)")
        guard let pointer else { return [] }
        return PartitionList(owning: pointer).partitions.sorted()
    }

    /// The offset after the last polled record of each assigned partition.
    /// - Returns: Positions; a partition of which nothing was polled yet is left out.
    /// - Throws: When the consumer is closed.
    public func positions() throws(StreamError) -> [TopicPartition: Offset] {
        let handle = try opened()
        let list = PartitionList(try assignment())
        try check(rd_kafka_position(handle.client, list.pointer), "positions in \(topics)")
        return list.offsets
    }

    /// Stops returning records of these partitions until `resume`; their positions are kept.
    public func pause(_ partitions: [TopicPartition]) throws(StreamError) {
        let handle = try opened()
        guard !partitions.isEmpty else { return }
        let list = PartitionList(partitions)
        try check(
            rd_kafka_pause_partitions(handle.client, list.pointer),
            "cannot pause \(partitions)"
        )
        try list.checkEach("cannot pause")
        handle.target.pausedPartitions.formUnion(partitions)
    }

    /// Goes on returning records of these partitions; those that are not paused are left alone.
    public func resume(_ partitions: [TopicPartition]) throws(StreamError) {
        let handle = try opened()
        // librdkafka would read a partition that is not paused again from where it was assigned.
        let paused = handle.target.pausedPartitions.intersection(partitions)
        guard !paused.isEmpty else { return }
        let list = PartitionList(paused.sorted())
        try check(
            rd_kafka_resume_partitions(handle.client, list.pointer),
            "cannot resume \(partitions)"
        )
        try list.checkEach("cannot resume")
        handle.target.pausedPartitions.subtract(paused)
    }

    /// The partitions of a topic, ascending.
    ///
    /// Blocks up to `timeout`.
    /// - Parameters:
    ///   - topic: The topic, which need not be among `topics`.
    ///   - timeout: How long to wait for the answer.
    /// - Returns: All its partitions.
    /// - Throws: `unknownTopic` when it does not exist, `unreachable` or `timedOut`.
    public func partitions(
        of topic: String,
        timeout: Duration
    ) throws(StreamError) -> [TopicPartition] {
        let handle = try opened()
        // Released after the call: only `topics` are held for the consumer's life.
        guard let pointer = rd_kafka_topic_new(handle.client, topic, nil) else {
            throw StreamError(rd_kafka_last_error(), "\"\(topic)\" is not a topic's name")
        }
        defer { rd_kafka_topic_destroy(pointer) }
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.client, 0, pointer, &answer, milliseconds(timeout))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else {
            throw handle.failure(code, "partitions of topic \"\(topic)\"")
        }
        defer { rd_kafka_metadata_destroy(answer) }
        guard answer.pointee.topic_cnt > 0, let topics = answer.pointee.topics else {
            throw StreamError(
                RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                "partitions of topic \"\(topic)\""
            )
        }
        try check(topics[0].err, "partitions of topic \"\(topic)\"")
        return (0..<Int(topics[0].partition_cnt))
            .map { TopicPartition(topic: topic, partition: topics[0].partitions[$0].id) }
            .sorted()
    }

    /// First offset still in the log, and the offset that the next record will get.
    ///
    /// With `readCommitted` the end is where the first undecided transaction begins. Blocks up to
    /// `timeout`.
    public func watermarks(
        of partition: TopicPartition,
        timeout: Duration
    ) throws(StreamError) -> (first: Offset, end: Offset) {
        let handle = try opened()
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
            throw handle.failure(code, "watermarks of \(partition)")
        }
        return (first, end)
    }

    /// The offset of the first record with at least this timestamp, in milliseconds since 1970.
    ///
    /// For a partition all of whose records are older it is the end. Blocks up to `timeout`.
    /// - Parameters:
    ///   - timestamp: Milliseconds since 1970.
    ///   - partitions: The partitions to look in.
    ///   - timeout: How long to wait for all answers.
    /// - Returns: An offset for each partition.
    /// - Throws: `unknownTopic`, `unreachable`, `timedOut`.
    public func offsets(
        at timestamp: Int64,
        _ partitions: [TopicPartition],
        timeout: Duration
    ) throws(StreamError) -> [TopicPartition: Offset] {
        guard !partitions.isEmpty else { return [:] }
        let handle = try opened()
        let deadline = ContinuousClock.now + timeout
        // Negative numbers mean something else to the protocol: -1 the end, -2 the beginning.
        let list = PartitionList(partitions, offset: max(timestamp, 0))
        let code = rd_kafka_offsets_for_times(
            handle.client,
            list.pointer,
            milliseconds(timeout)
        )
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.failure(code, "offsets at \(timestamp) of \(partitions)")
        }
        try list.checkEach("no offset at \(timestamp) for")
        var offsets = list.offsets
        for partition in partitions where offsets[partition] == nil {
            let remaining = max(deadline - .now, .milliseconds(1))
            offsets[partition] = try watermarks(of: partition, timeout: remaining).end
        }
        return offsets
    }

    /// The offsets committed under this consumer's group.
    ///
    /// Blocks up to `timeout`.
    /// - Parameters:
    ///   - partitions: The partitions to ask for.
    ///   - timeout: How long to wait for the answer.
    /// - Returns: Offsets; a partition without one is left out.
    /// - Throws: `unreachable`, `timedOut` and what the group's coordinator refuses.
    public func committed(
        _ partitions: [TopicPartition],
        timeout: Duration
    ) throws(StreamError) -> [TopicPartition: Offset] {
        guard !partitions.isEmpty else { return [:] }
        let handle = try opened()
        let list = PartitionList(partitions)
        let code = rd_kafka_committed(handle.client, list.pointer, milliseconds(timeout))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.failure(code, "committed offsets of \(partitions)")
        }
        try list.checkEach("no committed offset of")
        return list.offsets
    }

    /// Stores the offsets of the next records to be read, under this consumer's group.
    ///
    /// Does not wait; a commit that fails becomes a warning among the notices.
    public func commit(_ positions: [TopicPartition: Offset]) throws(StreamError) {
        guard !positions.isEmpty else { return }
        let list = PartitionList(positions)
        try check(
            rd_kafka_commit(try opened().client, list.pointer, 1),
            "cannot commit \(positions)"
        )
    }
}
