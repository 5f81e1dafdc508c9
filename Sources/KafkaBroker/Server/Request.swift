import KafkaWire
import NIOCore

/// A request whose header has been read.
struct Request: Sendable {
    var header: RequestHeader
    /// The address of the client, without the port.
    var clientHost: String
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
        eventLoop: any EventLoop
    ) throws(WireError) {
        var frame = frame
        let (header, position) = try frame.withReader { reader throws(WireError) in
            (try RequestHeader(from: &reader), reader.position)
        }
        frame.moveReaderIndex(forwardBy: position)
        self.header = header
        self.clientHost = clientHost
        self.eventLoop = eventLoop
        self.frame = frame
    }

    /// Reads the body by the schema of the API.
    func fields() throws(WireError) -> Fields {
        let (key, version) = (key, version)
        let result = frame.withUnsafeReadableBytes { bytes in
            Result { () throws(WireError) in
                try MessageCodec.decodeRequest(key, version: version, bytes)
            }
        }
        return try result.get()
    }

    /// The answer that consists of these fields.
    func answer(_ fields: Fields) -> Answer { answer(fields, version: version) }

    /// The answer that consists of these fields, in another version than the request's.
    func answer(_ fields: Fields, version: Int16) -> Answer {
        do throws(WireError) {
            let bytes = try MessageCodec.encodeResponseFrame(
                key,
                version: version,
                correlationID: header.correlationID,
                fields
            )
            return .buffers([ByteBuffer(bytes: bytes)])
        } catch {
            // A mistake in a handler must not take the process down with it.
            return .close(reason: "\(key): \(error)")
        }
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
