/// Turns the bytes of a message's body into named values and back, as the API's schema says.
///
/// Bodies only: headers are in `RequestHeader` and `ResponseHeader`. The record batches in Produce
/// and Fetch are better handled by `ProduceRequest`, `FetchRequest` and `FetchResponse`, which do
/// not copy them.
public enum MessageCodec {
    /// The largest number of list elements a decoded message may have in all.
    ///
    /// A decoded element takes up to about 300 bytes, so a hostile request costs at most 60 MB.
    public static let maximumElements = 200_000

    /// Reads the body of a request.
    public static func decodeRequest(
        _ key: APIKey,
        version: Int16,
        _ bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> Fields {
        let schema = try schema(key, version)
        return try decode(schema.request, schema, version, bytes)
    }

    /// Reads the body of a request.
    public static func decodeRequest(
        _ key: APIKey,
        version: Int16,
        _ bytes: [UInt8]
    ) throws(WireError) -> Fields {
        let schema = try schema(key, version)
        return try decode(schema.request, schema, version, bytes)
    }

    /// Reads the body of a response.
    public static func decodeResponse(
        _ key: APIKey,
        version: Int16,
        _ bytes: [UInt8]
    ) throws(WireError) -> Fields {
        let schema = try schema(key, version)
        return try decode(schema.response, schema, version, bytes)
    }

    /// Writes the body of a request.
    public static func encodeRequest(
        _ key: APIKey,
        version: Int16,
        _ fields: Fields
    ) throws(WireError) -> [UInt8] {
        let schema = try schema(key, version)
        var encoder = MessageEncoder(version: version, isFlexible: schema.isFlexible(version))
        try encoder.structure(fields, schema.request)
        return encoder.writer.bytes
    }

    /// Writes the body of a response.
    public static func encodeResponse(
        _ key: APIKey,
        version: Int16,
        _ fields: Fields
    ) throws(WireError) -> [UInt8] {
        let schema = try schema(key, version)
        var encoder = MessageEncoder(version: version, isFlexible: schema.isFlexible(version))
        try encoder.structure(fields, schema.response)
        return encoder.writer.bytes
    }

    /// Writes a whole response: length, header and body.
    public static func encodeResponseFrame(
        _ key: APIKey,
        version: Int16,
        correlationID: Int32,
        _ fields: Fields
    ) throws(WireError) -> [UInt8] {
        let schema = try schema(key, version)
        var encoder = MessageEncoder(version: version, isFlexible: schema.isFlexible(version))
        encoder.writer.integer(Int32(0))
        let header = ResponseHeader(correlationID: correlationID)
        header.encode(into: &encoder.writer, schema, version: version)
        try encoder.structure(fields, schema.response)
        guard let size = Int32(exactly: encoder.writer.bytes.count - 4) else {
            throw .invalidValue("a response of \(encoder.writer.bytes.count) bytes is too long")
        }
        encoder.writer.patch(size, at: 0)
        return encoder.writer.bytes
    }

    private static func schema(
        _ key: APIKey,
        _ version: Int16
    ) throws(WireError) -> MessageSchema {
        guard let schema = MessageSchema.of(key), schema.versions.contains(version) else {
            throw WireError(
                .unsupported,
                "\(key) version \(version) is not supported",
                remedy: "ask for the supported versions with ApiVersions"
            )
        }
        return schema
    }

    private static func decode(
        _ structure: StructureSchema,
        _ schema: MessageSchema,
        _ version: Int16,
        _ bytes: [UInt8]
    ) throws(WireError) -> Fields {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(WireError) in try decode(structure, schema, version, buffer) }
        }
        return try result.get()
    }

    private static func decode(
        _ structure: StructureSchema,
        _ schema: MessageSchema,
        _ version: Int16,
        _ bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> Fields {
        var decoder = MessageDecoder(
            reader: WireReader(bytes),
            version: version,
            isFlexible: schema.isFlexible(version)
        )
        return try decoder.structure(structure)
    }
}
