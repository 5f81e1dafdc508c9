import KafkaWire
import NIOCore

/// Cuts the bytes of a connection into requests: a length of four bytes, then as many bytes.
struct FrameAssembler {
    /// The length that the next request announced; nil if it has not arrived.
    private(set) var announcedSize: Int?
    private var buffer = ByteBuffer()
    private let maximumSize: Int
    private let buffers: FrameBuffers

    /// The shortest header: key, version and correlation id.
    private static let minimumSize = 8

    /// How far ahead room is made for a request whose bytes have not arrived, unless as much has
    /// arrived already: a length alone cannot claim much memory.
    private static let reservation = 1 << 20

    init(maximumSize: Int, buffers: FrameBuffers) {
        self.maximumSize = maximumSize
        self.buffers = buffers
    }

    /// How much memory is held for what has arrived.
    var capacity: Int { buffer.storageCapacity }

    /// Whether a request has begun to arrive.
    var isInFrame: Bool { announcedSize != nil || buffer.readableBytes > 0 }

    /// Whether the next request has arrived in full.
    var hasFrame: Bool { announcedSize.map { buffer.readableBytes >= $0 } ?? false }

    /// The API of the next request; nil until all of it has arrived.
    var nextKey: APIKey? {
        guard hasFrame else { return nil }
        return buffer.getInteger(at: buffer.readerIndex, as: Int16.self).map(APIKey.init(rawValue:))
    }

    /// Takes bytes from the connection and reads the next length if it can.
    mutating func append(_ bytes: ByteBuffer) throws(BrokerError) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            makeRoom(for: bytes.readableBytes)
            buffer.writeImmutableBuffer(bytes)
        }
        try readSize()
    }

    /// The next request without its length; nil until all of it has arrived.
    mutating func next() throws(BrokerError) -> ByteBuffer? {
        guard let size = announcedSize, let frame = buffer.readSlice(length: size) else {
            return nil
        }
        announcedSize = nil
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        try readSize()
        return frame
    }

    /// Makes room for more bytes, and within reason for the rest of the request.
    private mutating func makeRoom(for byteCount: Int) {
        let missing = (announcedSize ?? 0) - buffer.readableBytes
        let reasonable = max(Self.reservation, buffer.readableBytes)
        let room = max(byteCount, min(missing, reasonable))
        guard buffer.readerIndex > 0 else {
            return buffer.reserveCapacity(minimumWritableBytes: room)
        }
        // What is left of bytes that were used gets memory of its own: a buffer that is written to
        // and never empty would keep all that it ever held.
        let rest = buffer
        buffer = buffers.take(capacity: rest.readableBytes + room)
        buffer.writeImmutableBuffer(rest)
    }

    private mutating func readSize() throws(BrokerError) {
        guard announcedSize == nil, let size = buffer.readInteger(as: Int32.self) else { return }
        guard size >= Self.minimumSize, size <= maximumSize else {
            throw BrokerError(
                .configuration,
                "a request announces \(size) bytes",
                remedy: "a request has \(Self.minimumSize) to \(maximumSize) bytes"
            )
        }
        announcedSize = Int(size)
    }
}
