import KafkaSamples
import Testing

@testable import KafkaWire

/// Every message in every version: against another implementation's bytes, and there and back.
struct CodecTests {
    @Test func `every message has the bytes that another implementation writes`() throws {
        var compared = 0
        for line in GoldenBytes.digests.split(separator: "\n") {
            let words = line.split(separator: " ")
            let schema = try #require(schemasByName[String(words[0])])
            let isRequest = words[1] == "request"
            for entry in words.dropFirst(2) {
                let parts = entry.split(separator: ":")
                let version = try #require(Int16(parts[0]))
                let structure = isRequest ? schema.request : schema.response
                let fields = standardFields(structure, version, schema.isFlexible(version))
                let bytes =
                    isRequest
                    ? try MessageCodec.encodeRequest(schema.key, version: version, fields)
                    : try MessageCodec.encodeResponse(schema.key, version: version, fields)
                #expect(bytes.count == Int(parts[1]), "\(words[0]) \(words[1]) v\(version)")
                #expect(fnv(bytes) == UInt64(parts[2], radix: 16), "\(words[0]) v\(version)")
                compared += 1
            }
        }
        #expect(compared > 270)
    }

    @Test func `a join of version 9 is written byte for byte as expected`() throws {
        let fields: Fields = [
            "groupId": "abc", "sessionTimeoutMs": 70000, "rebalanceTimeoutMs": 70000,
            "memberId": "abc", "groupInstanceId": "abc", "protocolType": "abc", "reason": "abc",
            "protocols": .array(
                Array(
                    repeating: .structure(["name": "abc", "metadata": .bytes([1, 2, 3])]),
                    count: 2
                )
            ),
        ]
        let bytes = try MessageCodec.encodeRequest(.joinGroup, version: 9, fields)
        #expect(hex(bytes) == GoldenBytes.joinGroupRequest9.filter { !$0.isWhitespace })
        let decoded = try MessageCodec.decodeRequest(.joinGroup, version: 9, bytes)
        #expect(decoded.string("groupInstanceId") == "abc")
        #expect(
            decoded.array("protocols").map { $0.bytes("metadata") } == [[1, 2, 3], [1, 2, 3]]
        )
    }

    @Test func `random messages survive writing and reading in every version`() throws {
        var random = SplitMix(seed: 20_241_025)
        for schema in MessageSchema.all {
            for version in schema.versions {
                for _ in 0..<20 {
                    let flexible = schema.isFlexible(version)
                    let request = randomFields(schema.request, version, flexible, &random)
                    let requestBytes = try MessageCodec.encodeRequest(
                        schema.key,
                        version: version,
                        request
                    )
                    let requestAgain = try MessageCodec.decodeRequest(
                        schema.key,
                        version: version,
                        requestBytes
                    )
                    #expect(request == requestAgain, "\(schema.key) v\(version)")
                    let response = randomFields(schema.response, version, flexible, &random)
                    let responseBytes = try MessageCodec.encodeResponse(
                        schema.key,
                        version: version,
                        response
                    )
                    let responseAgain = try MessageCodec.decodeResponse(
                        schema.key,
                        version: version,
                        responseBytes
                    )
                    #expect(response == responseAgain, "\(schema.key) v\(version)")
                }
            }
        }
    }

    @Test func `a field that is left out has the default of the schema`() throws {
        let bytes = try MessageCodec.encodeRequest(.initProducerId, version: 3, Fields())
        let fields = try MessageCodec.decodeRequest(.initProducerId, version: 3, bytes)
        #expect(fields.optionalString("transactionalId") == "")
        #expect(fields.int64("producerId") == -1)
        let old = try MessageCodec.decodeRequest(
            .initProducerId,
            version: 0,
            [0xFF, 0xFF, 0, 0, 0, 9]
        )
        #expect(old.optionalString("transactionalId") == nil)
        #expect(old.int16("producerEpoch") == -1)
    }

    @Test func `a value that does not fit the schema is refused`() {
        for fields: Fields in [
            ["groupId": 1], ["groupID": "x"], ["generationId": 3_000_000_000], ["memberId": nil],
        ] {
            #expect(throws: WireError.self) {
                try MessageCodec.encodeRequest(.heartbeat, version: 4, fields)
            }
        }
    }

    @Test func `unknown tagged fields are skipped`() throws {
        // Heartbeat v4: "g", 7, "m", null, then two tagged fields that nobody knows.
        let bytes: [UInt8] = [2, 0x67, 0, 0, 0, 7, 2, 0x6D, 0, 2, 9, 1, 0xAA, 99, 2, 0xBB, 0xCC]
        let fields = try MessageCodec.decodeRequest(.heartbeat, version: 4, bytes)
        #expect(fields.string("groupId") == "g")
        #expect(fields.int32("generationId") == 7)
        #expect(fields.optionalString("groupInstanceId") == nil)
    }

    @Test func `a header of an unknown API is read as far as its shape is known`() throws {
        let bytes: [UInt8] = [0, 18, 0, 99, 0, 0, 0, 5, 0x7F]
        let header = try bytes.withUnsafeBytes { buffer in
            var reader = WireReader(buffer)
            return try RequestHeader(from: &reader)
        }
        #expect(header.key == .apiVersions)
        #expect(header.version == 99)
        #expect(header.correlationID == 5)
    }

    @Test func `topic ids print as Kafka's tools print them`() {
        let id = UUID16(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F)
        #expect(id.description == "AAECAwQFBgcICQoLDA0ODw")
        #expect(id.bytes == Array(0..<16))
        #expect(UUID16.random() != UUID16.random())
    }
}
