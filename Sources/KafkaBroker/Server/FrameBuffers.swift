import NIOCore
import Synchronization

/// Memory of large requests that were answered, kept for the next ones.
///
/// Fresh memory costs the system a cleared page every 4 KiB, a quarter of all work on requests of
/// 1 MB (measured); memory that was used before costs nothing. The buffers are guarded by a
/// `Mutex`.
final class FrameBuffers: Sendable {
    /// Smaller requests are not worth it.
    static let smallestSize = 64 << 10
    /// Larger buffers are not kept: with `limit` of them, 16 × 2 MiB = 32 MiB at most.
    static let largestCapacity = 2 << 20
    private static let limit = 16

    private let buffers = Mutex<[ByteBuffer]>([])

    /// An empty buffer with room for at least so many bytes.
    func take(capacity: Int) -> ByteBuffer {
        guard capacity >= Self.smallestSize else {
            var buffer = ByteBuffer()
            buffer.reserveCapacity(capacity)
            return buffer
        }
        var buffer = buffers.withLock { $0.popLast() } ?? ByteBuffer()
        // Makes new memory if whoever read the old request still holds it.
        buffer.clear(minimumCapacity: capacity)
        return buffer
    }

    /// Takes back the buffer of a request that was answered.
    func give(_ buffer: ByteBuffer) {
        guard buffer.readableBytes >= Self.smallestSize,
            buffer.storageCapacity <= Self.largestCapacity
        else { return }
        buffers.withLock { buffers in
            if buffers.count < Self.limit { buffers.append(buffer) }
        }
    }
}
