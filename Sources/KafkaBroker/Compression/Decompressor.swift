import KafkaWire

/// Decompresses the records of batches into memory that is used again and again.
///
/// Owned by one thread. The bytes come from the network: whatever they are, the result is the
/// records or an error, and never more than the limit.
final class Decompressor {
    /// Why a batch could not be decompressed.
    struct Failure: Error, Equatable { let reason: String }

    /// The most that a batch may expand to.
    ///
    /// A thousand equal records shrink by more than 64, hence
    /// the 16 MiB for small batches; two log threads at 256 MiB each bound the memory of all.
    static func limit(forBatchOf byteCount: Int) -> Int {
        min(256 << 20, max(16 << 20, byteCount &* 64))
    }

    /// Memory above this is given back after use, so that one big batch does not pin it.
    private static let keptByteCount = 8 << 20

    private var output = DecompressionBuffer()

    /// Lends the decompressed bytes to a closure.
    ///
    /// - Parameters:
    ///   - bytes: The compressed records, or the records themselves without compression.
    ///   - compression: The codec.
    ///   - limit: The greatest size of the result.
    ///   - body: What to do with the result, which is gone afterwards.
    /// - Returns: What the closure returns.
    /// - Throws: `Failure` if the bytes are damaged or the result is too large.
    func withDecompressed<Value>(
        _ bytes: UnsafeRawBufferPointer,
        _ compression: RecordBatchHeader.Compression,
        limit: Int,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(Failure) -> Value {
        if compression == .none { return body(bytes) }
        output.begin(limit: limit)
        defer { output.shrink(to: Self.keptByteCount) }
        switch compression {
        case .none: break
        case .gzip: try Gzip.decompress(bytes, into: &output)
        case .snappy: try Snappy.decompress(bytes, into: &output)
        case .lz4: try LZ4Frame.decompress(bytes, into: &output)
        case .zstd: try Zstandard.decompress(bytes, into: &output)
        }
        return body(output.bytes)
    }
}

/// Memory that grows as a decompressor fills it, up to a limit.
struct DecompressionBuffer: ~Copyable {
    private var memory: UnsafeMutableRawBufferPointer
    private var count = 0
    private var limit = 0

    init() { memory = .allocate(byteCount: 64 << 10, alignment: 16) }

    deinit { memory.deallocate() }

    /// What has been written.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Forgets what has been written.
    mutating func begin(limit: Int) {
        count = 0
        self.limit = limit
    }

    /// Room for at least `byteCount` more bytes.
    mutating func room(_ byteCount: Int) throws(Decompressor.Failure)
        -> UnsafeMutableRawBufferPointer
    {
        guard byteCount <= limit - count else {
            throw Decompressor.Failure(reason: "it expands to more than \(limit) bytes")
        }
        if memory.count - count < byteCount {
            // Doubling keeps the copying linear; the limit is a bound, not a size to reach for.
            resize(max(count + byteCount, min(memory.count * 2, limit)))
        }
        let end = min(memory.count, limit)
        return UnsafeMutableRawBufferPointer(rebasing: memory[count..<end])
    }

    /// More room than there was, up to the limit.
    mutating func moreRoom() throws(Decompressor.Failure) -> UnsafeMutableRawBufferPointer {
        let present = min(memory.count, limit) - count
        return try room(max(present + 1, min(2 * memory.count, limit) - count))
    }

    /// Counts bytes that were written to the room.
    mutating func advance(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= memory.count - count, "wrote past the room")
        count += byteCount
    }

    /// Decompresses step by step.
    ///
    /// - Parameters:
    ///   - bytes: The compressed bytes: one frame or several.
    ///   - step: Reads some of the input and writes some output; returns how many of each, and
    ///     whether a frame ended there, or nil if the input is damaged.
    /// - Throws: `Failure` if the bytes are damaged, end within a frame, or expand to too much.
    mutating func fill(
        from bytes: UnsafeRawBufferPointer,
        _ step: (_ input: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Step?
    ) throws(Decompressor.Failure) {
        var position = 0
        while true {
            let room = count == memory.count ? try moreRoom() : try room(1)
            let input = UnsafeRawBufferPointer(rebasing: bytes[position...])
            guard let step = step(input, room) else {
                throw Decompressor.Failure(reason: "the compressed data is damaged")
            }
            advance(step.written)
            position += step.read
            if step.isEnd, position == bytes.count { return }
            if step.read == 0, step.written == 0 {
                throw Decompressor.Failure(reason: "the compressed data ends early")
            }
        }
    }

    /// What a step of a decompressor did.
    typealias Step = (read: Int, written: Int, isEnd: Bool)

    /// Gives back what exceeds a size.
    mutating func shrink(to byteCount: Int) {
        if memory.count > byteCount {
            count = 0
            resize(byteCount)
        }
    }

    private mutating func resize(_ byteCount: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        larger.copyMemory(from: bytes)
        memory.deallocate()
        memory = larger
    }
}
