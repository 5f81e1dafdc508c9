import KafkaWire

/// Reads a request as the broker does, and everything that is in it.
struct RequestReading {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads the header, and the body by the reader that the broker has for this API.
    func readByHand() throws(WireError) {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            let buffer = UnsafeRawBufferPointer(bytes)
            var reader = WireReader(buffer)
            let header = try RequestHeader(from: &reader)
            let body = UnsafeRawBufferPointer(rebasing: buffer[reader.position...])
            var bodyReader = WireReader(body)
            switch header.key {
            case .produce where ProduceRequest.versions.contains(header.version):
                let request = try ProduceRequest(from: &bodyReader, version: header.version)
                // One by one: lists made here would count as the reader's memory.
                for topic in request.topics {
                    for records in topic.partitions.lazy.compactMap(\.records) {
                        precondition(records.upperBound <= body.count, "records outside")
                    }
                }
            case .fetch where MessageSchema.of(.fetch)?.versions.contains(header.version) ?? false:
                _ = try FetchRequest(from: &bodyReader, version: header.version)
            default: try Self.readBySchema(header, body)
            }
        }
    }

    /// Reads the header, and the body by the schema of the API.
    func readBySchema() throws(WireError) {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            let buffer = UnsafeRawBufferPointer(bytes)
            var reader = WireReader(buffer)
            let header = try RequestHeader(from: &reader)
            let body = UnsafeRawBufferPointer(rebasing: buffer[reader.position...])
            try Self.readBySchema(header, body)
        }
    }

    private static func readBySchema(
        _ header: RequestHeader,
        _ body: UnsafeRawBufferPointer
    ) throws(WireError) {
        let (key, version) = (header.key, header.version)
        let fields = try MessageCodec.decodeRequest(key, version: version, Array(body))
        guard let schema = MessageSchema.of(key) else { return }
        read(fields, schema.request)
        guard body.count < 2000 else { return }
        let again = try MessageCodec.encodeRequest(key, version: version, fields)
        let fieldsAgain = try MessageCodec.decodeRequest(key, version: version, again)
        precondition(fields == fieldsAgain, "\(key) version \(version) changes when it is written")
    }

    /// Asks for every field, holding on to the lists on the way as those who answer do.
    private static func read(_ fields: Fields, _ schema: StructureSchema) {
        for field in schema.fields {
            switch field.type {
            case .bool: _ = fields.bool(field.name)
            case .int8, .int16, .int32, .int64, .uint16: _ = fields.int64(field.name)
            case .uuid: _ = fields.uuid(field.name)
            case .string: _ = fields.optionalString(field.name)
            case .bytes: _ = fields.optionalBytes(field.name)
            case .array(.structure(let inner)):
                for element in fields.array(field.name) { read(element, inner) }
            case .array(.string): _ = fields.strings(field.name)
            case .array: _ = fields.int32s(field.name)
            case .structure(let inner):
                if let part = fields.structure(field.name) { read(part, inner) }
            }
        }
    }
}
