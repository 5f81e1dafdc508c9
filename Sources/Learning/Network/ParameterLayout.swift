/// The parameters of a network by name: where each lies in one piece of memory, and how tensors
/// become parameters and back.
///
/// A parameter is a matrix: the last dimension of its shape are the columns, rounded up to 8 in
/// memory with zeros behind them. Tensors hold the numbers without those zeros.
public struct ParameterLayout: Sendable, Equatable {
    /// One parameter.
    public struct Entry: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Its shape as a tensor.
        public let shape: [Int]
        /// Where it begins.
        public let offset: Int
        /// What the learning rate is multiplied by.
        public let rateFactor: Float
        /// Whether weight decay applies: to weights, not to scales and shifts.
        public let decays: Bool

        /// All dimensions but the last.
        public var rows: Int { shape.dropLast().reduce(1, *) }
        /// The last dimension.
        public var columns: Int { shape.last ?? 1 }
        /// Floats from one row to the next.
        public var stride: Int { (columns + 7) / 8 * 8 }
        /// Floats in memory.
        public var count: Int { rows * stride }
    }

    /// The parameters in order.
    public private(set) var entries: [Entry] = []
    /// Floats of all parameters.
    public private(set) var count = 0

    /// No parameters.
    public init() {}

    /// Adds a parameter behind the others.
    public mutating func add(
        _ name: String,
        shape: [Int],
        rateFactor: Float = 1,
        decays: Bool = false
    ) -> Entry {
        let entry = Entry(
            name: name,
            shape: shape,
            offset: count,
            rateFactor: rateFactor,
            decays: decays
        )
        entries.append(entry)
        // Multiples of 16 floats: every parameter begins at a 64-byte boundary.
        count += (entry.count + 15) / 16 * 16
        return entry
    }

    /// Adds every parameter to `tensors` under `prefix` and its name.
    public func encode(
        _ values: FloatBuffer,
        prefix: String,
        into tensors: inout NamedTensors
    ) {
        precondition(values.count == count)
        for entry in entries {
            var numbers: [Float] = []
            numbers.reserveCapacity(entry.rows * entry.columns)
            for row in 0..<entry.rows {
                let start = values.base + entry.offset + row * entry.stride
                numbers += UnsafeBufferPointer(start: start, count: entry.columns)
            }
            tensors[prefix + entry.name] = Tensor(numbers, shape: entry.shape)
        }
    }

    /// Takes every parameter over from `source`.
    ///
    /// Throws when one is missing, has another type or shape, or is not finite; nothing has been
    /// changed then.
    public func decode(
        _ source: any TensorSource,
        prefix: String,
        into values: FloatBuffer
    ) throws(LearningError) {
        precondition(values.count == count)
        var found: [[Float]] = []
        for entry in entries {
            let name = prefix + entry.name
            let numbers = try source.values(name, of: Float.self, shape: entry.shape)
            guard let wrong = numbers.firstIndex(where: { !$0.isFinite }) else {
                found.append(numbers)
                continue
            }
            throw LearningError(
                .diverged,
                "tensor \"\(name)\" holds \(numbers[wrong]) at index \(wrong)",
                remedy: "use a version from before it diverged, and a lower learning rate"
            )
        }
        for (entry, numbers) in zip(entries, found) {
            for row in 0..<entry.rows {
                for column in 0..<entry.columns {
                    values.base[entry.offset + row * entry.stride + column] =
                        numbers[row * entry.columns + column]
                }
            }
        }
    }
}
