internal import CLibrdkafka
internal import Streaming

/// Partitions with offsets in librdkafka's form; owner of the list.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// Partitions, each with its offset.
    init(_ positions: [TopicPartition: Offset]) {
        self.init(capacity: positions.count)
        for (partition, offset) in positions { append(partition, offset) }
    }

    /// Partitions whose offsets are to be asked for; `offset` is the question's argument, if any.
    init(_ partitions: [TopicPartition], offset: Offset = Offset(RD_KAFKA_OFFSET_INVALID)) {
        self.init(capacity: partitions.count)
        for partition in partitions { append(partition, offset) }
    }

    /// Topics to subscribe to.
    init(topics: [String]) {
        self.init(capacity: topics.count)
        for topic in topics {
            rd_kafka_topic_partition_list_add(pointer, topic, RD_KAFKA_PARTITION_UA)
        }
    }

    /// Takes over a list that librdkafka made.
    init(owning pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        self.pointer = pointer
    }

    private init(capacity: Int) {
        // Never null: librdkafka ends the process when memory is exhausted.
        guard let pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity)) else {
            fatalError("librdkafka made no partition list")
        }
        self.pointer = pointer
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    private func append(_ partition: TopicPartition, _ offset: Offset) {
        rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
            .pointee.offset = offset
    }

    /// The partitions with a known offset; logical offsets (none, beginning, end) are left out.
    var offsets: [TopicPartition: Offset] { knownOffsets(in: pointer) }

    /// The partitions, whatever their offsets.
    var partitions: [TopicPartition] { positions(of: pointer).map(\.0) }

    /// Throws the first error that librdkafka wrote beside a partition.
    func checkEach(_ what: String) throws(StreamError) {
        for index in 0..<Int(pointer.pointee.cnt) {
            let element = pointer.pointee.elems[index]
            guard element.err != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            throw StreamError(
                element.err,
                "\(what) \(string(element.topic))[\(element.partition)]"
            )
        }
    }
}

/// The elements of a list that have a known offset.
func knownOffsets(
    in list: UnsafePointer<rd_kafka_topic_partition_list_t>
) -> [TopicPartition: Offset] {
    Dictionary(positions(of: list).filter { $0.1 >= 0 }) { _, last in last }
}

/// The elements of a list.
func positions(
    of list: UnsafePointer<rd_kafka_topic_partition_list_t>
) -> [(TopicPartition, Offset)] {
    (0..<Int(list.pointee.cnt)).map { index in
        let element = list.pointee.elems[index]
        let partition = TopicPartition(
            topic: string(element.topic),
            partition: element.partition
        )
        return (partition, element.offset)
    }
}
