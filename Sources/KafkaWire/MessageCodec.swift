/// Turns the bytes of a message's body into named values and back, as the API's schema says.
///
/// Headers of requests are in `RequestHeader`. Produce and Fetch are better handled by
/// `ProduceRequest`, `FetchRequest` and `FetchResponse`, which do not copy the record batches.
public enum MessageCodec {
    /// Reads the body of a request.
    public static func decodeRequest(
        _ key: APIKey,
        version: Int16,
        _ bytes: [UInt8]
    ) throws(WireError) -> Fields {
        let schema = try schema(key, version)
        let isCompact = schema.isFlexible(version)
        let message = try IndexedMessage(bytes, schema.request, version, isCompact: isCompact)
        return Fields(message, schema.request, slot: 0)
    }

    /// Reads the body of a response.
    public static func decodeResponse(
        _ key: APIKey,
        version: Int16,
        _ bytes: [UInt8]
    ) throws(WireError) -> Fields {
        let schema = try schema(key, version)
        let isCompact = schema.isFlexible(version)
        let message = try IndexedMessage(bytes, schema.response, version, isCompact: isCompact)
        return Fields(message, schema.response, slot: 0)
    }

    /// Writes the body of a request.
    public static func encodeRequest(
        _ key: APIKey,
        version: Int16,
        _ fields: Fields
    ) throws(WireError) -> [UInt8] {
        let schema = try schema(key, version)
        var encoder = MessageEncoder(schema, version)
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
        var encoder = MessageEncoder(schema, version)
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
        var encoder = MessageEncoder(schema, version)
        encoder.writer.integer(Int32(0))
        encoder.writer.integer(correlationID)
        if schema.hasTagsInResponseHeader(version) { encoder.writer.unsignedVarint(0) }
        try encoder.structure(fields, schema.response)
        try encoder.writer.setLength(encoder.writer.bytes.count)
        return encoder.writer.bytes
    }

    /// Writes a whole request: length, header and body.
    public static func encodeRequestFrame(
        _ header: RequestHeader,
        _ fields: Fields
    ) throws(WireError) -> [UInt8] {
        var writer = WireWriter()
        writer.integer(Int32(0))
        try header.encode(into: &writer)
        writer.raw(try encodeRequest(header.key, version: header.version, fields))
        try writer.setLength(writer.bytes.count)
        return writer.bytes
    }

    /// Reads a response without its length, the answer to a request with this header.
    public static func decodeResponseFrame(
        _ bytes: [UInt8],
        to header: RequestHeader
    ) throws(WireError) -> Fields {
        let schema = try schema(header.key, header.version)
        let found = bytes.prefix(4).reduce(Int32(0)) { $0 << 8 | Int32($1) }
        guard bytes.count >= 4, found == header.correlationID else {
            throw .malformed("the answer to request \(header.correlationID) is for \(found)")
        }
        // The broker has no tagged fields to put into the header.
        let body = bytes.dropFirst(schema.hasTagsInResponseHeader(header.version) ? 5 : 4)
        return try decodeResponse(header.key, version: header.version, Array(body))
    }

    private static func schema(
        _ key: APIKey,
        _ version: Int16
    ) throws(WireError) -> MessageSchema {
        guard let schema = MessageSchema.of(key), schema.versions.contains(version) else {
            throw .unsupported("\(key) version \(version) is not supported")
        }
        return schema
    }
}
