import KafkaSamples
import KafkaWire

/// A batch of values.
func batch(
    _ values: [String],
    timestamp: Int64 = 1000,
    producerID: Int64 = -1,
    sequence: Int32 = -1
) -> [UInt8] {
    var builder = RecordBatchBuilder(
        values.map { .init(value: Array($0.utf8), timestamp: timestamp) }
    )
    builder.header.producerID = producerID
    builder.header.producerEpoch = producerID < 0 ? -1 : 0
    builder.header.baseSequence = sequence
    return builder.build()
}

/// The headers of batches that lie one after another.
func headers(_ bytes: [UInt8]) -> [RecordBatchHeader] {
    var result: [RecordBatchHeader] = []
    bytes.withUnsafeBytes { buffer in
        var position = 0
        while let header = RecordBatchHeader(buffer, at: position) {
            result.append(header)
            position += header.totalByteCount
        }
    }
    return result
}

extension RawClient {
    @discardableResult
    func createTopic(
        _ name: String = "t",
        partitions: Int64 = 1,
        configs: [String: String] = [:]
    ) throws -> UUID16 {
        try request(
            .createTopics,
            version: 7,
            [
                "topics": [
                    .structure([
                        "name": .string(name), "numPartitions": .int(partitions),
                        "replicationFactor": -1,
                        "configs": .array(
                            configs.map { name, value in
                                .structure(["name": .string(name), "value": .string(value)])
                            }
                        ),
                    ])
                ]
            ]
        ).array("topics")[0].uuid("topicId")
    }

    static func produceFields(
        _ records: [UInt8]?,
        acks: Int16 = -1,
        partition: Int32 = 0
    ) -> Fields {
        [
            "transactionalId": nil, "acks": .int(Int64(acks)), "timeoutMs": 1000,
            "topicData": [
                .structure([
                    "name": "t",
                    "partitionData": [
                        .structure([
                            "index": .int(Int64(partition)),
                            "records": records.map { .bytes($0) } ?? .null,
                        ])
                    ],
                ])
            ],
        ]
    }

    func produce(_ values: [String], acks: Int16 = -1, version: Int16 = 7, partition: Int32 = 0)
        throws -> Fields
    {
        try produce(batch(values), acks: acks, version: version, partition: partition)
    }

    func produce(
        _ records: [UInt8]?,
        acks: Int16 = -1,
        version: Int16 = 7,
        partition: Int32 = 0
    ) throws -> Fields {
        try request(
            .produce,
            version: version,
            Self.produceFields(records, acks: acks, partition: partition)
        ).array("responses")[0].array("partitionResponses")[0]
    }

    static func fetchFields(
        from offset: Int64,
        topicID: UUID16 = .zero,
        maxWaitMs: Int32 = 0,
        maxBytes: Int32 = 1 << 20,
        epoch: Int32 = -1
    ) -> Fields {
        [
            "maxWaitMs": .int(Int64(maxWaitMs)), "minBytes": 1, "maxBytes": .int(Int64(maxBytes)),
            "topics": [
                .structure([
                    "topic": "t", "topicId": .uuid(topicID),
                    "partitions": [
                        .structure([
                            "partition": 0, "fetchOffset": .int(offset),
                            "currentLeaderEpoch": .int(Int64(epoch)),
                            "partitionMaxBytes": .int(Int64(maxBytes)),
                        ])
                    ],
                ])
            ],
        ]
    }

    func fetch(
        from offset: Int64,
        version: Int16 = 11,
        topicID: UUID16 = .zero,
        maxBytes: Int32 = 1 << 20,
        epoch: Int32 = -1
    ) throws -> Fields {
        try request(
            .fetch,
            version: version,
            Self.fetchFields(
                from: offset,
                topicID: topicID,
                maxBytes: maxBytes,
                epoch: epoch
            )
        ).array("responses")[0].array("partitions")[0]
    }
}
