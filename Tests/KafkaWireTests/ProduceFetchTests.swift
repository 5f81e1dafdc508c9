import KafkaSamples
import Testing

@testable import KafkaWire

/// The hand-written readers and writers of Produce and Fetch against the schemas.
struct ProduceFetchTests {
    @Test func `a Produce request is read as its schema says, without copying the records`() throws
    {
        for version in ProduceRequest.versions {
            let body: Fields = [
                "transactionalId": nil, "acks": -1, "timeoutMs": 1000,
                "topicData": .array([
                    .structure([
                        "name": "events",
                        "partitionData": .array([
                            .structure(["index": 0, "records": .bytes([1, 2, 3, 4])]),
                            .structure(["index": 7, "records": nil]),
                        ]),
                    ])
                ]),
            ]
            let bytes = try MessageCodec.encodeRequest(.produce, version: version, body)
            let request = try bytes.withUnsafeBytes { buffer in
                var reader = WireReader(buffer)
                let request = try ProduceRequest(from: &reader, version: version)
                #expect(reader.remaining == 0)
                return request
            }
            #expect(request.acks == -1)
            #expect(request.transactionalID == nil)
            #expect(request.topics.map(\.name) == ["events"])
            let partitions = request.topics[0].partitions
            #expect(partitions.map(\.index) == [0, 7])
            #expect(partitions[0].records.map { Array(bytes[$0]) } == [1, 2, 3, 4])
            #expect(partitions[1].records == nil)
        }
    }

    @Test func `a Fetch request is read as its schema says`() throws {
        let schema = try #require(MessageSchema.of(.fetch))
        for version in schema.versions {
            let standard = standardFields(schema.request, version, schema.isFlexible(version))
            let bytes = try MessageCodec.encodeRequest(.fetch, version: version, standard)
            let request = try bytes.withUnsafeBytes { buffer in
                var reader = WireReader(buffer)
                let request = try FetchRequest(from: &reader, version: version)
                #expect(reader.remaining == 0)
                return request
            }
            #expect(request.maxWaitMilliseconds == 70000)
            #expect(request.sessionID == (version >= 7 ? 70000 : 0))
            #expect(request.topics.count == 2)
            #expect(request.topics[1].name == (version < 13 ? "abc" : ""))
            #expect((request.topics[0].id == .zero) == (version < 13))
            let partition = request.topics[1].partitions[1]
            #expect(partition.fetchOffset == 5_000_000_000)
            #expect(partition.currentLeaderEpoch == (version >= 9 ? 70000 : -1))
            #expect(partition.lastFetchedEpoch == (version >= 12 ? 70000 : -1))
        }
    }

    @Test func `a Fetch response has the bytes of its schema`() throws {
        let schema = try #require(MessageSchema.of(.fetch))
        let id = UUID16(high: 1, low: 2)
        var full = FetchResponse.Partition(index: 3)
        full.highWatermark = 100
        full.lastStableOffset = 90
        full.logStartOffset = 5
        full.recordByteCount = 4
        full.abortedTransactions = [.init(producerID: 8, firstOffset: 9)]
        let failed = FetchResponse.Partition(index: 4, errorCode: .unknownTopicOrPartition)
        var response = FetchResponse()
        response.topics = [.init(name: "events", id: id, partitions: [full, failed])]
        for version in schema.versions {
            let pieces = try response.encodeFrame(version: version, correlationID: 77)
            try #require(pieces.count == 2)
            let frame = pieces[0] + [9, 8, 7, 6] + pieces[1]
            let body = try frame.withUnsafeBytes { buffer in
                var reader = WireReader(buffer)
                #expect(try reader.integer(as: Int32.self) == Int32(frame.count - 4))
                #expect(try reader.integer(as: Int32.self) == 77)
                if schema.hasTagsInResponseHeader(version) { try reader.skipTaggedFields() }
                return Array(frame[reader.position...])
            }
            let fields = try MessageCodec.decodeResponse(.fetch, version: version, body)
            let again = try MessageCodec.encodeResponse(.fetch, version: version, fields)
            #expect(again == body, "version \(version)")
            let partitions = fields.array("responses")[0].array("partitions")
            #expect(partitions[0].bytes("records") == [9, 8, 7, 6])
            #expect(partitions[0].int32("preferredReadReplica") == -1)
            #expect(partitions[0].array("abortedTransactions")[0].int64("firstOffset") == 9)
            #expect(partitions[1].optionalBytes("records") == [])
            #expect(partitions[1].optionalArray("abortedTransactions") == nil)
            #expect(partitions[1].errorCode() == .unknownTopicOrPartition)
        }
    }
}
