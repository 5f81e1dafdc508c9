/// Tensors that can be read piece by piece: in memory, or in a file.
public protocol TensorSource {
    /// The names of all tensors, in a fixed order.
    var names: [String] { get }

    /// Whether there is a tensor of that name.
    func contains(_ name: String) -> Bool

    /// Element type and shape of a tensor. Throws when it is missing.
    func type(
        of name: String
    ) throws(LearningError) -> (elementType: Tensor.ElementType, shape: [Int])

    /// Copies `target.count` bytes of a tensor, from `byteOffset` on. Throws when the tensor is
    /// missing or shorter, or cannot be read.
    func read(
        _ name: String,
        at byteOffset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LearningError)
}

extension TensorSource {
    /// The shape of a tensor that must be there with that type.
    ///
    /// `expected` is checked where given, a negative extent standing for any.
    @discardableResult
    public func shape(
        of name: String,
        _ elementType: Tensor.ElementType,
        expected: [Int]? = nil
    ) throws(LearningError) -> [Int] {
        let found = try type(of: name)
        if let expected, !Self.matches(found.shape, expected) {
            throw LearningError(
                .tensor,
                "tensor \"\(name)\" has shape \(found.shape), expected \(expected)",
                remedy: "it was written with other settings; restore those or start a new model"
            )
        }
        guard found.elementType == elementType else {
            throw LearningError(
                .tensor,
                "tensor \"\(name)\" holds \(found.elementType.rawValue), "
                    + "expected \(elementType.rawValue)",
                remedy: "the file was not written by this learner; use another version"
            )
        }
        return found.shape
    }

    /// The numbers of a tensor that must be there with that type; `shape` as for `shape(of:)`.
    public func values<Value: TensorElement>(
        _ name: String,
        of type: Value.Type = Value.self,
        shape: [Int]? = nil
    ) throws(LearningError) -> [Value] {
        let found = try self.shape(of: name, Value.elementType, expected: shape)
        let count = found.reduce(1, *)
        var failure: LearningError?
        let values = [Value](unsafeUninitializedCapacity: count) { target, initializedCount in
            do throws(LearningError) {
                let part = UnsafeMutableBufferPointer(rebasing: target[..<count])
                try read(name, at: 0, into: UnsafeMutableRawBufferPointer(part))
                initializedCount = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    private static func matches(_ shape: [Int], _ expected: [Int]) -> Bool {
        shape.count == expected.count
            && zip(shape, expected).allSatisfy { $1 < 0 || $0 == $1 }
    }
}

/// Reads a tensor from front to back, many small pieces at the cost of few large reads.
///
/// Owned by one thread.
public struct TensorReader: ~Copyable {
    private let source: any TensorSource
    private let name: String
    private let byteCount: Int
    private let window: UnsafeMutableRawBufferPointer
    private var windowStart = 0
    private var windowEnd = 0

    /// A reader of a tensor of `byteCount` bytes.
    ///
    /// Pieces of at least half of the window are read straight to where they belong.
    public init(
        _ source: any TensorSource,
        _ name: String,
        byteCount: Int,
        windowByteCount: Int = 1 << 18
    ) {
        self.source = source
        self.name = name
        self.byteCount = byteCount
        window = .allocate(byteCount: min(windowByteCount, max(byteCount, 1)), alignment: 64)
    }

    deinit { window.deallocate() }

    /// Copies `target.count` bytes of the tensor, from `offset` on.
    ///
    /// Quick when offsets ascend.
    public mutating func read(
        at offset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LearningError) {
        guard target.count < window.count / 2 else {
            return try source.read(name, at: offset, into: target)
        }
        if offset < windowStart || offset + target.count > windowEnd {
            let count = max(min(window.count, byteCount - offset), target.count)
            try source.read(
                name,
                at: offset,
                into: UnsafeMutableRawBufferPointer(rebasing: window[..<count])
            )
            windowStart = offset
            windowEnd = offset + count
        }
        guard target.count > 0 else { return }
        let start = offset - windowStart
        target.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: window[start..<(start + target.count)])
        )
    }
}
