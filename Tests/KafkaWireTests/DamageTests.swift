import KafkaSamples
import Testing

@testable import KafkaWire

/// Bytes that nobody vouches for: they are refused or read, and never trap or allocate freely.
struct DamageTests {
    @Test func `mutated messages are refused or read but never trap`() throws {
        var random = SplitMix(seed: 42)
        var refused = 0
        for schema in MessageSchema.all {
            for version in schema.versions where schema.key != .produce || version >= 3 {
                let flexible = schema.isFlexible(version)
                let fields = randomFields(schema.request, version, flexible, &random)
                let bytes = try MessageCodec.encodeRequest(schema.key, version: version, fields)
                for _ in 0..<60 {
                    let damaged = damage(bytes, &random)
                    if !reads(damaged, schema.key, version) { refused += 1 }
                }
            }
        }
        #expect(refused > 1000)
    }

    @Test func `every cut of a message is refused`() throws {
        for key in [APIKey.joinGroup, .metadata, .produce, .fetch, .createTopics] {
            let schema = try #require(MessageSchema.of(key))
            let version = schema.versions.upperBound
            let fields = standardFields(schema.request, version, schema.isFlexible(version))
            let bytes = try MessageCodec.encodeRequest(key, version: version, fields)
            for count in 0..<bytes.count {
                #expect(!reads(Array(bytes.prefix(count)), key, version), "\(key) cut at \(count)")
            }
        }
    }

    @Test func `lengths beyond the message are refused before anything is allocated`() {
        let hostile: [(APIKey, Int16, [UInt8])] = [
            // An array of 2^31 - 1 topics.
            (.metadata, 1, [0x7F, 0xFF, 0xFF, 0xFF]),
            // The same in compact form.
            (.metadata, 9, [0xFF, 0xFF, 0xFF, 0xFF, 0x07]),
            // A varint of six bytes.
            (.metadata, 9, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
            // A varint of five bytes that exceeds 32 bits.
            (.metadata, 9, [0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
            // A string of 32767 bytes in a short body.
            (.heartbeat, 0, [0x7F, 0xFF, 0x61]),
            // A negative string length where null is not allowed.
            (.heartbeat, 0, [0xFF, 0xFF, 0, 0, 0, 1, 0, 0]),
            // A length of -2.
            (.heartbeat, 0, [0xFF, 0xFE]),
            // A string that is not UTF-8.
            (.heartbeat, 0, [0, 2, 0xC3, 0x28, 0, 0, 0, 1, 0, 0]),
            // A tagged field that does not end where it says.
            (.fetch, 12, [0, 0, 0, 0]),
        ]
        for (key, version, bytes) in hostile {
            #expect(throws: WireError.self, "\(key) v\(version)") {
                try MessageCodec.decodeRequest(key, version: version, bytes)
            }
        }
    }

    @Test func `more elements than the limit are refused`() {
        let count = WireReader.maximumElements + 1
        var writer = WireWriter()
        writer.integer(Int32(count))
        for _ in 0..<count { writer.integer(Int32(0)) }
        writer.integer(Int32(0))
        let body = [0, 1, 0x67, 0, 0, 0, 1, 0, 1, 0x74] + writer.bytes
        #expect {
            try MessageCodec.decodeRequest(.offsetFetch, version: 1, body)
        } throws: {
            isTooLarge($0)
        }
    }

    @Test func `what would take much more memory than its bytes is refused`() {
        // Topics without a name: two bytes each, and 28 in memory.
        let count = 100_000
        var metadata = WireWriter()
        metadata.integer(Int32(count))
        metadata.raw(repeatElement(0, count: 2 * count))
        #expect {
            try MessageCodec.decodeRequest(.metadata, version: 1, metadata.bytes)
        } throws: {
            isTooLarge($0)
        }
        // Topics without name and partitions: three bytes each, and 24 in memory.
        var produce = WireWriter()
        produce.raw([0, 0, 1, 0, 0, 0, 0])
        produce.unsignedVarint(UInt64(count) + 1)
        produce.raw((0..<count).flatMap { _ in [1, 1, 0] as [UInt8] })
        #expect {
            try produce.bytes.withUnsafeBytes { buffer in
                var reader = WireReader(buffer)
                _ = try ProduceRequest(from: &reader, version: 9)
            }
        } throws: {
            isTooLarge($0)
        }
    }

    @Test(arguments: [APIKey.offsetCommit, .offsetFetch, .listOffsets, .metadata, .fetch])
    func `a request about ten thousand partitions or topics is read`(_ key: APIKey) throws {
        let schema = try #require(MessageSchema.of(key))
        for version in schema.versions {
            let isFlexible = schema.isFlexible(version)
            var fields = standardFields(schema.request, version, isFlexible)
            if var group = fields.array("groups").first {
                group.set("topics", [enlarged(group.array("topics")[0])])
                fields.set("groups", [group])
            } else {
                let topic = enlarged(fields.array("topics")[0])
                fields.set("topics", Array(repeating: topic, count: key == .metadata ? 10_000 : 1))
            }
            let bytes = try MessageCodec.encodeRequest(key, version: version, fields)
            #expect(bytes.count > 20_000)
            #expect(reads(bytes, key, version), "\(key) version \(version)")
        }
    }

    /// A topic with ten thousand partitions, unless it is one that is only named.
    private func enlarged(_ topic: Fields) -> Fields {
        var topic = topic
        if let one = topic.optionalArray("partitions")?.first {
            topic.set("partitions", Array(repeating: one, count: 10_000))
        } else if let one = topic.optionalInt32s("partitionIndexes")?.first {
            topic.set("partitionIndexes", Array(repeating: one, count: 10_000))
        }
        return topic
    }

    private func isTooLarge(_ error: any Error) -> Bool {
        if case .tooLarge? = error as? WireError { true } else { false }
    }

    /// Whether the bytes can be read, by the hand-written readers too where there are any.
    private func reads(_ bytes: [UInt8], _ key: APIKey, _ version: Int16) -> Bool {
        let byHand: Bool? = bytes.withUnsafeBytes { buffer in
            var reader = WireReader(buffer)
            switch key {
            case .produce:
                let request = try? ProduceRequest(from: &reader, version: version)
                for topic in request?.topics ?? [] {
                    for partition in topic.partitions {
                        #expect(partition.records.map { $0.upperBound <= buffer.count } ?? true)
                    }
                }
                return request != nil
            case .fetch: return (try? FetchRequest(from: &reader, version: version)) != nil
            default: return nil
            }
        }
        let generic = (try? MessageCodec.decodeRequest(key, version: version, bytes)) != nil
        return byHand ?? generic
    }

    private func damage(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        guard !bytes.isEmpty else { return [UInt8(random.next(below: 256))] }
        var result = bytes
        for _ in 0...random.next(below: 3) {
            let index = random.next(below: result.count)
            switch random.next(below: 4) {
            case 0: result[index] ^= UInt8(1 << random.next(below: 8))
            case 1: result[index] = [0, 0x7F, 0x80, 0xFF][random.next(below: 4)]
            case 2: result.removeLast(min(result.count - 1, random.next(below: 5)))
            default: result.insert(UInt8(random.next(below: 256)), at: index)
            }
        }
        return result
    }
}
