package import KafkaWire
import NIOCore

/// The way of a client's bytes through the broker without sockets and files, for the fuzz target.
///
/// Owned by one thread.
package final class UntrustedBytes {
    private let decompressor = Decompressor()

    /// Begins with no memory for decompression.
    package init() {}

    /// The most that a batch may expand to.
    package static func decompressionLimit(ofBatch byteCount: Int) -> Int {
        Decompressor.limit(forBatchOf: byteCount)
    }

    /// Cuts a stream that arrives in pieces into requests.
    ///
    /// - Parameters:
    ///   - pieces: The stream.
    ///   - maximumSize: The size of the largest request.
    ///   - body: Gets each request without its length.
    /// - Throws: `BrokerError` where the connection would be closed.
    package func requests(
        in pieces: [[UInt8]],
        maximumSize: Int,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(BrokerError) {
        var frames = FrameAssembler(maximumSize: maximumSize, buffers: FrameBuffers())
        for piece in pieces {
            try frames.append(ByteBuffer(bytes: piece))
            while let frame = try frames.next() { frame.withUnsafeReadableBytes(body) }
        }
    }

    /// Checks a batch as one that is to be appended.
    ///
    /// - Parameters:
    ///   - batch: What the client sent for a partition.
    ///   - isCompacted: Whether every record must have a key.
    /// - Returns: The code that the client would get.
    package func check(_ batch: [UInt8], isCompacted: Bool) -> ErrorCode {
        var settings = LogSettings()
        settings.isCompacted = isCompacted
        let validator = BatchValidator(
            settings: settings,
            isTransactional: false,
            produceVersion: ProduceRequest.versions.upperBound,
            now: 0
        )
        return batch.withUnsafeBytes { bytes in
            do throws(BrokerError) {
                _ = try validator.validate(bytes, decompressor)
                return .none
            } catch {
                return error.errorCode
            }
        }
    }
}
