import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// Produce, Fetch and ListOffsets over sockets.
struct ProduceFetchAPITests {
    @Test func `what is produced is fetched, in every version of both`() async throws {
        try await withTopic { client, id in
            var offset: Int64 = 0
            for version in ProduceRequest.versions {
                let answer = try client.produce(["a\(version)", "b"], version: version)
                #expect(answer.errorCode() == .none)
                #expect(answer.int64("baseOffset") == offset)
                offset += 2
            }
            for version: Int16 in 4...16 {
                let answer = try client.fetch(from: 0, version: version, topicID: id)
                #expect(answer.errorCode() == .none)
                #expect(answer.int64("highWatermark") == offset)
                #expect(answer.int64("lastStableOffset") == offset)
                #expect(answer.optionalArray("abortedTransactions") == nil)
                #expect(answer.int32("preferredReadReplica") == -1)
                let batches = headers(answer.bytes("records"))
                #expect(batches.map(\.baseOffset) == Array(stride(from: 0, to: offset, by: 2)))
                #expect(batches.allSatisfy { $0.recordCount == 2 })
            }
        }
    }

    @Test func `a fetch inside a batch returns the whole batch, and at the end nothing`()
        async throws
    {
        try await withTopic { client, _ in
            _ = try client.produce(["a", "b", "c"])
            _ = try client.produce(["d"])
            let inside = try client.fetch(from: 1)
            #expect(headers(inside.bytes("records")).map(\.baseOffset) == [0, 3])
            let last = try client.fetch(from: 3)
            #expect(headers(last.bytes("records")).map(\.baseOffset) == [3])
            let end = try client.fetch(from: 4)
            #expect(end.errorCode() == .none)
            #expect(end.optionalBytes("records") == [])
            #expect(try client.fetch(from: 5).errorCode() == .offsetOutOfRange)
            #expect(try client.fetch(from: -1).errorCode() == .offsetOutOfRange)
            let small = try client.fetch(from: 0, maxBytes: 1)
            #expect(headers(small.bytes("records")).map(\.baseOffset) == [0])
        }
    }

    @Test func `a waiting fetch is answered by the next append`() async throws {
        try await withBroker { broker, _ in
            let writer = try RawClient(port: broker.port)
            try writer.createTopic()
            _ = try writer.produce(["first"])
            let reader = try RawClient(port: broker.port)
            let body = try MessageCodec.encodeRequest(
                .fetch,
                version: 11,
                RawClient.fetchFields(from: 1, maxWaitMs: 60_000)
            )
            try reader.send(reader.frame(.fetch, version: 11, body: body))
            _ = try writer.produce(["second"])
            let answer = try reader.response(.fetch, version: 11, correlationID: 1)
            let partition = answer.array("responses")[0].array("partitions")[0]
            #expect(headers(partition.bytes("records")).map(\.baseOffset) == [1])
        }
    }

    @Test func `a waiting fetch ends when its topic is deleted`() async throws {
        try await withBroker { broker, _ in
            let writer = try RawClient(port: broker.port)
            try writer.createTopic()
            let reader = try RawClient(port: broker.port)
            let body = try MessageCodec.encodeRequest(
                .fetch,
                version: 11,
                RawClient.fetchFields(from: 0, maxWaitMs: 60_000)
            )
            try reader.send(reader.frame(.fetch, version: 11, body: body))
            _ = try writer.request(.deleteTopics, version: 1, ["topicNames": ["t"]])
            let answer = try reader.response(.fetch, version: 11, correlationID: 1)
            let partition = answer.array("responses")[0].array("partitions")[0]
            #expect(partition.errorCode() == .unknownTopicOrPartition)
        }
    }

    @Test func `a broker that stops answers the fetches that wait`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            let body = try MessageCodec.encodeRequest(
                .fetch,
                version: 11,
                RawClient.fetchFields(from: 0, maxWaitMs: 60_000)
            )
            // Both arrive together: once the first is answered, the second is under way.
            try client.send(
                client.frame(.apiVersions, version: 0, body: [], correlationID: 1)
                    + client.frame(.fetch, version: 11, body: body, correlationID: 2)
            )
            _ = try client.response(.apiVersions, version: 0, correlationID: 1)
            await broker.shutdown()
            let answer = try client.response(.fetch, version: 11, correlationID: 2)
            #expect(answer.errorCode() == .none)
            #expect(client.isClosedByBroker())
        }
    }

    @Test func `a client that does not take its answer is cut off`() async throws {
        try await withBroker {
            $0.answerAcceptanceMilliseconds = 50
        } body: { broker, _ in
            let client = try RawClient(port: broker.port, receiveBufferBytes: 4096)
            try client.createTopic()
            for _ in 0..<16 {
                _ = try client.produce([String(repeating: "x", count: 1_000_000)], acks: 1)
            }
            let body = try MessageCodec.encodeRequest(
                .fetch,
                version: 11,
                RawClient.fetchFields(from: 0, maxBytes: 16 << 20)
            )
            try client.send(client.frame(.fetch, version: 11, body: body))
            let other = try RawClient(port: broker.port)
            let deadline = ContinuousClock.now + .seconds(120)
            // The broker closes after its limit; until then nothing is read here.
            while broker.connections.count > 1 && ContinuousClock.now < deadline {
                _ = try other.request(.apiVersions, version: 0)
            }
            #expect(broker.connections.count == 1)
        }
    }

    @Test func `acks decide about the answer`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            #expect(try client.produce(["a"], acks: 1).errorCode() == .none)
            #expect(try client.produce(["b"], acks: 2).errorCode() == .invalidRequiredAcks)
            // No answer to acks=0: the next answer is that of the next request.
            try client.send(
                client.frame(
                    .produce,
                    version: 7,
                    body: MessageCodec.encodeRequest(
                        .produce,
                        version: 7,
                        RawClient.produceFields(batch(["c"]), acks: 0)
                    )
                )
            )
            #expect(try client.produce(["d"]).int64("baseOffset") == 2)
            try client.send(
                client.frame(
                    .produce,
                    version: 7,
                    body: MessageCodec.encodeRequest(
                        .produce,
                        version: 7,
                        RawClient.produceFields(batch(["c"]), acks: 0, partition: 9)
                    )
                )
            )
            #expect(client.isClosedByBroker())
        }
    }

    @Test func `what a client sent before it left is written`() async throws {
        try await withBroker { broker, _ in
            let reader = try RawClient(port: broker.port)
            try reader.createTopic()
            do {
                let writer = try RawClient(port: broker.port)
                let body = try MessageCodec.encodeRequest(
                    .produce,
                    version: 7,
                    RawClient.produceFields(batch(["x"]), acks: 0)
                )
                let frame = try writer.frame(.produce, version: 7, body: body)
                try writer.send(Array(repeating: frame, count: 100).flatMap { $0 })
            }
            let deadline = ContinuousClock.now + .seconds(120)
            var end: Int64 = 0
            while end < 100 && ContinuousClock.now < deadline {
                end = try reader.fetch(from: 0).int64("highWatermark")
            }
            #expect(end == 100)
        }
    }

    @Test func `batches that break a rule are refused and leave nothing behind`() async throws {
        var flipped = batch(["abc"])
        flipped[flipped.count - 2] ^= 1
        var oldMagic = batch(["abc"])
        oldMagic[16] = 1
        var shifted = batch(["abc"])
        shifted[7] = 5
        let cases: [(ErrorCode, [UInt8]?)] = [
            (.corruptMessage, flipped), (.invalidRecord, oldMagic), (.invalidRecord, shifted),
            (.invalidRecord, batch(["a"]) + batch(["b"])), (.invalidRecord, nil),
            (.invalidRecord, []), (.corruptMessage, [1, 2, 3]),
            (.messageTooLarge, batch([String(repeating: "x", count: 2 << 20)])),
        ]
        try await withTopic { client, _ in
            for (code, bytes) in cases {
                let answer = try client.produce(bytes)
                #expect(answer.errorCode() == code)
            }
            let unknown = try client.produce(["x"], partition: 7)
            #expect(unknown.errorCode() == .unknownTopicOrPartition)
            #expect(try client.fetch(from: 0).int64("highWatermark") == 0)
        }
    }

    @Test func `sessions, unknown topics and old epochs are told apart`() async throws {
        try await withTopic { client, id in
            var fields = RawClient.fetchFields(from: 0, maxWaitMs: 0)
            fields.set("sessionId", Int32(77))
            let session = try client.request(.fetch, version: 11, fields)
            #expect(session.errorCode() == .fetchSessionIDNotFound)
            #expect(session.array("responses").isEmpty)
            let unknown = try client.fetch(from: 0, version: 13, topicID: .random())
            #expect(unknown.errorCode() == .unknownTopicID)
            #expect(unknown.int64("highWatermark") == -1)
            let epoch = try client.request(.metadata, version: 7, ["topics": nil])
                .array("topics")[0].array("partitions")[0].int32("leaderEpoch")
            #expect(epoch >= 0)
            #expect(
                try client.fetch(from: 0, topicID: id, epoch: epoch - 1).errorCode()
                    == .fencedLeaderEpoch
            )
            #expect(
                try client.fetch(from: 0, topicID: id, epoch: epoch + 1).errorCode()
                    == .unknownLeaderEpoch
            )
            #expect(try client.fetch(from: 0, topicID: id, epoch: epoch).errorCode() == .none)
        }
    }

    @Test func `offsets are found by time and at both ends`() async throws {
        try await withTopic { client, _ in
            for time: Int64 in [1000, 3000, 2000] {
                _ = try client.produce(batch(["x", "y"], timestamp: time))
            }
            let cases: [(Int64, Int64, Int64)] = [
                (-1, 6, -1), (-2, 0, -1), (-4, 0, -1), (-5, -1, -1), (-3, 2, 3000),
                (0, 0, 1000), (1001, 2, 3000), (3000, 2, 3000), (3001, -1, -1),
            ]
            for version: Int16 in 1...9 {
                for (query, offset, time) in cases {
                    let found = try client.request(
                        .listOffsets,
                        version: version,
                        [
                            "replicaId": -1,
                            "topics": [
                                .structure([
                                    "name": "t",
                                    "partitions": [
                                        .structure([
                                            "partitionIndex": 0, "timestamp": .int(query),
                                        ])
                                    ],
                                ])
                            ],
                        ]
                    ).array("topics")[0].array("partitions")[0]
                    #expect(found.errorCode() == .none)
                    #expect(found.int64("offset") == offset, "time \(query)")
                    #expect(found.int64("timestamp") == time, "time \(query)")
                }
            }
        }
    }

    @Test func `an idempotent batch that is sent again is written once`() async throws {
        try await withTopic { client, _ in
            let id = try client.request(
                .initProducerId,
                version: 4,
                ["transactionalId": nil, "transactionTimeoutMs": 1]
            ).int64("producerId")
            let first = batch(["a", "b"], producerID: id, sequence: 0)
            #expect(try client.produce(first).int64("baseOffset") == 0)
            #expect(try client.produce(first).int64("baseOffset") == 0)
            let gap = try client.produce(batch(["d"], producerID: id, sequence: 3))
            #expect(gap.errorCode() == .outOfOrderSequenceNumber)
            let next = try client.produce(batch(["c"], producerID: id, sequence: 2))
            #expect(next.int64("baseOffset") == 2)
            #expect(try client.fetch(from: 0).int64("highWatermark") == 3)
        }
    }

    private func withTopic(_ body: (RawClient, UUID16) async throws -> Void) async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try await body(client, client.createTopic())
        }
    }
}
