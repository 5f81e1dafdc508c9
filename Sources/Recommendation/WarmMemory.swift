import Synchronization

/// Memory for a large copy, which another thread has touched beforehand.
///
/// A new page costs more when it is first written to than the copy for which it is wanted; where a
/// learner waits for the copy, that is half of its pause.
final class WarmMemory: Sendable {
    /// glibc takes memory for smaller blocks from its heap, whose pages have been touched
    /// (`M_MMAP_THRESHOLD`, mallopt(3)).
    static let leastByteCount = 1 << 20
    /// No system that Freshet runs on has smaller pages.
    private static let pageByteCount = 4096

    private let block = Mutex<[UInt8]>([])

    /// Touches memory for so many bytes; any thread may.
    func prepare(byteCount: Int) {
        let touched = [UInt8](unsafeUninitializedCapacity: byteCount) { target, initializedCount in
            for page in stride(from: 0, to: byteCount, by: Self.pageByteCount) { target[page] = 0 }
            initializedCount = 0
        }
        block.withLock { $0 = touched }
    }

    /// An empty array with room for so many bytes: the memory that was prepared, if that is enough.
    func take(byteCount: Int) -> [UInt8] {
        var taken: [UInt8] = []
        block.withLock { swap(&$0, &taken) }
        taken.reserveCapacity(byteCount)
        return taken
    }
}
