import KafkaWire
import NIOCore

/// A request whose header has been read.
struct Request: Sendable {
    var header: RequestHeader
    /// The address of the client, without the port.
    var clientHost: String
    /// Names the client's connection for as long as the request is under way.
    var connection: ObjectIdentifier
    /// The loop of the client's connection, for timers.
    var eventLoop: any EventLoop
    /// The whole request without its length; the reader index is at the body.
    var frame: ByteBuffer

    var key: APIKey { header.key }
    var version: Int16 { header.version }
    var clientID: String { header.clientID ?? "" }

    /// Reads the header of a request.
    init(
        frame: ByteBuffer,
        clientHost: String,
        connection: ObjectIdentifier,
        eventLoop: any EventLoop
    ) throws(WireError) {
        var frame = frame
        let (header, position) = try frame.withReader { reader throws(WireError) in
            (try RequestHeader(from: &reader), reader.position)
        }
        frame.moveReaderIndex(forwardBy: position)
        self.header = header
        self.clientHost = clientHost
        self.connection = connection
        self.eventLoop = eventLoop
        self.frame = frame
    }

    /// Reads the body by the schema of the API.
    func fields() throws(WireError) -> Fields {
        try MessageCodec.decodeRequest(key, version: version, Array(frame.readableBytesView))
    }

    /// The answer that consists of these fields.
    func answer(_ fields: Fields) -> Answer { answer(fields, version: version) }

    /// The answer that consists of these fields, in another version than the request's.
    func answer(_ fields: Fields, version: Int16) -> Answer {
        do throws(WireError) {
            return .buffers([try encode(fields, version)])
        } catch {
            // A mistake in a handler must not take the process down with it.
            let failure = Fields(dictionaryLiteral: ("errorCode", -1))
            return .failed(reason: error.message, answer: try? encode(failure, version))
        }
    }

    private func encode(_ fields: Fields, _ version: Int16) throws(WireError) -> ByteBuffer {
        ByteBuffer(
            bytes: try MessageCodec.encodeResponseFrame(
                key,
                version: version,
                correlationID: header.correlationID,
                fields
            )
        )
    }
}

/// What a connection is to do about a request.
enum Answer: Sendable {
    /// Send these, one after another.
    case buffers([ByteBuffer])
    /// Send nothing and go on: the client does not wait for an answer.
    case nothing
    /// Close the connection.
    case close(reason: String)
    /// Report a mistake of our own and send UNKNOWN_SERVER_ERROR, or close if the API has no place
    /// for it.
    case failed(reason: String, answer: ByteBuffer?)
}

extension ByteBuffer {
    /// Lends the readable bytes to a reader that begins at the first of them.
    func withReader<Value>(
        _ body: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> Value {
        let result = withUnsafeReadableBytes { bytes in
            Result { () throws(WireError) in
                var reader = WireReader(bytes)
                return try body(&reader)
            }
        }
        return try result.get()
    }
}
