/// Floats at a 64-byte boundary that grow when needed and never shrink: a network's working memory.
///
/// Owned by one thread. 64 bytes after the end may be read, as the kernels do.
public final class FloatBuffer {
    /// The first number.
    public private(set) var base: UnsafeMutablePointer<Float>
    /// How many numbers there is room for.
    public private(set) var count: Int

    /// Makes a buffer of zeros.
    public init(count: Int = 0) {
        self.count = count
        base = Self.allocate(count)
    }

    deinit { base.deallocate() }

    /// Makes room for at least `count` numbers; what was there is lost if that needs more memory.
    public func reserve(_ count: Int) {
        guard count > self.count else { return }
        base.deallocate()
        base = Self.allocate(count)
        self.count = count
    }

    /// Makes room for at least `count` numbers and returns the first.
    public func reserving(_ count: Int) -> UnsafeMutablePointer<Float> {
        reserve(count)
        return base
    }

    /// The numbers, for as long as the buffer lives and does not grow.
    public var numbers: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: base, count: count)
    }

    /// Sets all numbers.
    public func fill(_ value: Float) { numbers.update(repeating: value) }

    /// Takes over all numbers of a buffer of the same size.
    public func copy(from other: FloatBuffer) {
        precondition(count == other.count)
        base.update(from: other.base, count: count)
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        let slack = 16
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: (count + slack) * MemoryLayout<Float>.stride,
            alignment: 64
        ).bindMemory(to: Float.self, capacity: count + slack)
        memory.initialize(repeating: 0, count: count + slack)
        return memory
    }
}
