/// What stands before the body of every request.
public struct RequestHeader: Sendable, Equatable {
    /// Which API is asked.
    public var key: APIKey
    /// In which version.
    public var version: Int16
    /// The number that the answer repeats.
    public var correlationID: Int32
    /// The name that the client gives itself.
    public var clientID: String?

    /// Makes a header.
    public init(key: APIKey, version: Int16, correlationID: Int32, clientID: String?) {
        self.key = key
        self.version = version
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// Reads a header; what follows in the reader is the body.
    ///
    /// Of an API or version that the codec does not know only key, version and correlation id are
    /// read, since the shape of the rest is unknown.
    public init(from reader: inout WireReader) throws(WireError) {
        key = APIKey(rawValue: try reader.integer())
        version = try reader.integer()
        correlationID = try reader.integer()
        guard let schema = MessageSchema.of(key), schema.versions.contains(version) else { return }
        clientID = try reader.string(isCompact: false)
        if schema.isFlexible(version) { try reader.skipTaggedFields() }
    }

    /// Writes the header.
    public func encode(into writer: inout WireWriter) throws(WireError) {
        writer.integer(key.rawValue)
        writer.integer(version)
        writer.integer(correlationID)
        try writer.string(clientID, isCompact: false)
        if MessageSchema.of(key)?.isFlexible(version) ?? false { writer.unsignedVarint(0) }
    }
}
