import KafkaSamples
import KafkaWire

/// Makes cases: mostly valid ones that were damaged, so that they get past the first check.
///
/// The same seed makes the same cases.
package struct Generator {
    private var random: SplitMix
    /// The largest request that a stream may hold.
    package static let maximumSize = 1 << 20

    /// Begins with a seed.
    package init(seed: UInt64) { random = SplitMix(seed: seed) }

    /// The next case.
    package mutating func next() -> FuzzCase {
        switch random.next(below: 20) {
        case 0, 1: stream()
        case 2...11: request()
        case 12: .request(Damage.noise(random.next(below: 300), &random), isIntact: false)
        default: batch()
        }
    }

    private mutating func isOneIn(_ number: Int) -> Bool { random.next(below: number) == 0 }

    // MARK: Streams

    private mutating func stream() -> FuzzCase {
        let requests = (0...random.next(below: 6)).map { _ in
            isOneIn(200) ? Damage.noise(random.next(below: 200_000), &random) : intactRequest()
        }.filter { (8...Self.maximumSize).contains($0.count) }
        var bytes: [UInt8] = []
        for request in requests {
            bytes += withUnsafeBytes(of: Int32(request.count).bigEndian) { Array($0) } + request
        }
        let isDamaged = isOneIn(2)
        if isDamaged { Damage.apply(to: &bytes, with: bytes, &random) }
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        // At most some hundred pieces, or the large streams would take all the time.
        let largest = max([3, 100, 70_000][random.next(below: 3)], bytes.count / 300)
        while !rest.isEmpty {
            let count = min(rest.count, 1 + random.next(below: largest))
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return .stream(pieces, holds: isDamaged ? nil : requests)
    }

    // MARK: Requests

    private mutating func request() -> FuzzCase {
        if isOneIn(2000) { return .request(bomb(), isIntact: false) }
        var bytes = intactRequest()
        if isOneIn(5) { return .request(bytes, isIntact: true) }
        Damage.apply(to: &bytes, with: intactRequest(), &random)
        return .request(bytes, isIntact: false)
    }

    /// A request as a client may send it, without its length.
    package mutating func intactRequest() -> [UInt8] {
        let (schema, version) = api()
        return encode(schema, version, fields(schema, version, schema.request))
    }

    private mutating func api() -> (MessageSchema, Int16) {
        let schema = MessageSchema.all[random.next(below: MessageSchema.all.count)]
        // Bodies of Produce 0 to 2 are not spoken.
        let lowest =
            schema.key == .produce ? ProduceRequest.versions.lowerBound : schema.versions.lowerBound
        let count = Int(schema.versions.upperBound - lowest) + 1
        return (schema, lowest + Int16(random.next(below: count)))
    }

    private func encode(_ schema: MessageSchema, _ version: Int16, _ fields: Fields) -> [UInt8] {
        let header = RequestHeader(
            key: schema.key,
            version: version,
            correlationID: 7,
            clientID: "fuzz"
        )
        var writer = WireWriter()
        do throws(WireError) {
            try header.encode(into: &writer)
            writer.raw(try MessageCodec.encodeRequest(schema.key, version: version, fields))
        } catch {
            // The values were made by the schema: a mistake here would hide all others.
            preconditionFailure("\(schema.key) version \(version): \(error)")
        }
        return writer.bytes
    }

    private mutating func fields(
        _ schema: MessageSchema,
        _ version: Int16,
        _ structure: StructureSchema
    ) -> Fields {
        let isFlexible = schema.isFlexible(version)
        return build(structure, version, isFlexible) { type, isNullable in
            if isNullable && isOneIn(5) { return .null }
            return value(type, schema, version)
        }
    }

    private mutating func value(
        _ type: FieldType,
        _ schema: MessageSchema,
        _ version: Int16
    ) -> WireValue {
        switch type {
        case .bool: .bool(isOneIn(2))
        case .int8, .int16, .int32, .int64, .uint16: .int(Int64(random.next(below: 5)))
        case .uuid: .uuid(UUID16(high: random.next(), low: 1))
        case .string: .string(text())
        case .bytes: .bytes(isOneIn(2) ? intactBatch(count: 3) : [])
        case .array(let element):
            .array((0..<random.next(below: 4)).map { _ in value(element, schema, version) })
        case .structure(let inner): .structure(fields(schema, version, inner))
        }
    }

    /// Few different ones, so that a broker that is asked for them does not grow.
    private mutating func text() -> String {
        let texts = [
            "t", "g", "events", "", "consumer", "é漢🙂", "a rather long name of a topic", "1",
        ]
        return texts[random.next(below: texts.count)]
    }

    /// A request with a list of very many elements that are as small as can be.
    private mutating func bomb() -> [UInt8] {
        let (schema, version) = api()
        let isFlexible = schema.isFlexible(version)
        let count = 1 << random.next(below: 19)
        func smallest(_ structure: StructureSchema, _ isOutermost: Bool) -> Fields {
            build(structure, version, isFlexible) { type, isNullable in
                switch type {
                case .array(let element) where isOutermost:
                    let isText = element == .string
                    let text: WireValue = [.string(""), .string("a name of 17 chars")][count & 1]
                    let one = isText ? text : smallestValue(element)
                    return .array(Array(repeating: one, count: count))
                default: return isNullable ? .null : smallestValue(type)
                }
            }
        }
        func smallestValue(_ type: FieldType) -> WireValue {
            switch type {
            case .bool: false
            case .int8, .int16, .int32, .int64, .uint16: 0
            case .uuid: .uuid(.zero)
            case .string: ""
            case .bytes: .bytes([])
            case .array(let element): .array([smallestValue(element)])
            case .structure(let inner): .structure(smallest(inner, false))
            }
        }
        return encode(schema, version, smallest(schema.request, true))
    }
}

/// Batches.
extension Generator {
    private mutating func batch() -> FuzzCase {
        let isCompacted = isOneIn(4)
        if isOneIn(4000) { return .batch(zipBomb(), isIntact: false, isCompacted: isCompacted) }
        let count = isOneIn(500) ? random.next(below: 3000) : random.next(below: 20)
        var bytes = intactBatch(count: count + 1)
        if isOneIn(5) { return .batch(bytes, isIntact: true, isCompacted: false) }
        if isOneIn(2) {
            // Damage to the records that the checksum does not give away.
            var header = bytes.withUnsafeBytes { RecordBatchHeader($0) } ?? RecordBatchHeader()
            var records = Array(bytes.dropFirst(RecordBatchHeader.byteCount))
            Damage.apply(to: &records, with: intactBatch(count: 2), &random)
            if isOneIn(3) { header.recordCount = Int32(truncatingIfNeeded: random.next()) }
            header.lastOffsetDelta = header.recordCount &- 1
            bytes = header.batch(of: records)
        } else {
            Damage.apply(to: &bytes, with: intactBatch(count: 2), &random)
        }
        return .batch(bytes, isIntact: false, isCompacted: isCompacted)
    }

    /// A batch as a client may send it.
    package mutating func intactBatch(count: Int) -> [UInt8] {
        let codecs = RecordBatchHeader.Compression.allCases
        let codec = codecs[random.next(below: codecs.count)]
        var builder = RecordBatchBuilder(
            (0..<count).map { index in
                RecordBatchBuilder.Record(
                    key: isOneIn(3) ? nil : Array(text().utf8),
                    value: isOneIn(5) ? nil : Damage.noise(random.next(below: 40), &random),
                    timestamp: 1_700_000_000_000 + Int64(random.next(below: 1000)) - 500,
                    headers: isOneIn(4) ? [(key: text(), value: nil), (key: "h", value: [1])] : []
                )
            }
        )
        builder.header.attributes = codec.rawValue
        if isOneIn(3) {
            builder.header.producerID = Int64(random.next(below: 100))
            builder.header.producerEpoch = 0
            builder.header.baseSequence = Int32(random.next(below: 100))
        }
        let isUnusual = isOneIn(2)
        return builder.build(compress: isUnusual ? { Self.unusual($0, codec) } : nil)
    }

    /// Compresses in the form of a codec that asks the most of who opens it.
    private static func unusual(
        _ records: [UInt8],
        _ codec: RecordBatchHeader.Compression
    ) -> [UInt8] {
        switch codec {
        case .none, .gzip: Compressed.records(records, codec)
        case .snappy: Compressed.xerial(records)
        case .lz4: Compressed.lz4OfLargestBlocks(records)
        case .zstd: Compressed.zstdOfGreatestWindow(records)
        }
    }

    /// A small batch that expands to more than any batch may.
    private mutating func zipBomb() -> [UInt8] {
        var header = RecordBatchHeader()
        header.attributes = Int16(1 + random.next(below: 4))
        header.recordCount = 1
        let bomb = Self.bombs[Int(header.attributes) - 1]
        return header.batch(of: bomb)
    }

    private static let bombs: [[UInt8]] = RecordBatchHeader.Compression.allCases.dropFirst().map {
        Compressed.records([UInt8](repeating: 0, count: 24 << 20), $0)
    }
}
