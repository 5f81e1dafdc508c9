/// Weighted means of what prequential evaluation measures: since the beginning, over a sliding
/// window, and over the last part of all events so far, in bounded memory.
///
/// Sums are also kept per block of consecutive events; when there are too many blocks, neighbours
/// are merged. So "the last 80 % of events so far" can be asked at any time, exact where the border
/// falls between blocks and interpolated within a block otherwise.
///
/// A value type without locks: owned by the learner that fills it.
public struct PrequentialMeans: Sendable {
    /// Blocks are merged when there are this many; a power of two.
    public static let maximumBlockCount = 4096
    /// Events per block before the first merge.
    public static let initialBlockSize = 1000

    /// Number of figures per scored event.
    public let columnCount: Int
    /// Number of scored events in the sliding window.
    public let windowSize: Int
    /// Number of events, scored or not.
    public private(set) var eventCount: Int64 = 0
    /// Number of scored events.
    public private(set) var scoredCount: Int64 = 0

    // Sums are rows of 1 + columnCount numbers: the weight, then weight × value for each column.
    private var total: [Double]
    private var partial: [Double]
    private var blocks: [Double] = []
    private var blockSize = PrequentialMeans.initialBlockSize
    private var partialCount = 0
    // A ring of rows of weight and values.
    private var window: [Float] = []
    private var windowNext = 0

    /// No events.
    ///
    /// `columns` and `window` must be positive.
    public init(columns: Int, window: Int) {
        columnCount = columns
        windowSize = window
        total = [Double](repeating: 0, count: 1 + columns)
        partial = total
    }

    /// Counts an event that was scored: one value per column.
    ///
    /// `weight` is the inverse of the rate at which events were chosen to be scored.
    public mutating func add(_ values: UnsafeBufferPointer<Double>, weight: Double) {
        precondition(values.count == columnCount)
        total[0] += weight
        partial[0] += weight
        for column in 0..<columnCount {
            total[1 + column] += weight * values[column]
            partial[1 + column] += weight * values[column]
        }
        scoredCount += 1
        addToWindow(values, weight: weight)
        advance()
    }

    /// Counts an event that was not scored.
    public mutating func skip() { advance() }

    /// The mean since the beginning; not a number before the first scored event.
    public func mean(_ column: Int) -> Double { total[1 + column] / total[0] }

    /// The mean over the sliding window.
    public func windowMean(_ column: Int) -> Double {
        var weight = 0.0
        var sum = 0.0
        for row in stride(from: 0, to: window.count, by: 1 + columnCount) {
            weight += Double(window[row])
            sum += Double(window[row]) * Double(window[row + 1 + column])
        }
        return sum / weight
    }

    /// The mean without the first `skipped` part of all events so far, such as 0.2.
    public func mean(_ column: Int, skippingFirst skipped: Double) -> Double {
        let start = Int64(Double(eventCount) * skipped)
        var weight = 0.0
        var sum = 0.0
        func include(_ sums: ArraySlice<Double>, share: Double) {
            weight += share * sums[sums.startIndex]
            sum += share * sums[sums.startIndex + 1 + column]
        }
        let width = 1 + columnCount
        for index in 0..<(blocks.count / width) {
            let end = Int64(index + 1) * Int64(blockSize)
            guard end > start else { continue }
            let share = Double(min(end - start, Int64(blockSize))) / Double(blockSize)
            include(blocks[(index * width)..<((index + 1) * width)], share: share)
        }
        if partialCount > 0 {
            let share = Double(min(eventCount - start, Int64(partialCount))) / Double(partialCount)
            include(partial[...], share: share)
        }
        return sum / weight
    }

    private mutating func advance() {
        eventCount += 1
        partialCount += 1
        guard partialCount == blockSize else { return }
        blocks.append(contentsOf: partial)
        for index in partial.indices { partial[index] = 0 }
        partialCount = 0
        let width = 1 + columnCount
        guard blocks.count == Self.maximumBlockCount * width else { return }
        for merged in 0..<(Self.maximumBlockCount / 2) {
            for index in 0..<width {
                blocks[merged * width + index] =
                    blocks[2 * merged * width + index] + blocks[(2 * merged + 1) * width + index]
            }
        }
        blocks.removeLast(blocks.count / 2)
        blockSize *= 2
    }

    private mutating func addToWindow(_ values: UnsafeBufferPointer<Double>, weight: Double) {
        let width = 1 + columnCount
        if window.count < windowSize * width {
            window.append(Float(weight))
            for value in values { window.append(Float(value)) }
            return
        }
        window[windowNext] = Float(weight)
        for column in 0..<columnCount { window[windowNext + 1 + column] = Float(values[column]) }
        windowNext = (windowNext + width) % window.count
    }
}

extension PrequentialMeans {
    /// Adds the state to a checkpoint, each tensor's name beginning with `prefix`.
    public func encode(into tensors: inout NamedTensors, prefix: String) {
        let width = 1 + columnCount
        let ordered = Array(window[windowNext...] + window[..<windowNext])
        tensors[prefix + "counts"] = Tensor([
            eventCount, scoredCount, Int64(blockSize), Int64(partialCount),
        ])
        tensors[prefix + "total"] = Tensor(total)
        tensors[prefix + "partial"] = Tensor(partial)
        tensors[prefix + "blocks"] = Tensor(blocks, shape: [blocks.count / width, width])
        tensors[prefix + "window"] = Tensor(ordered, shape: [ordered.count / width, width])
    }

    /// Restores what `encode` wrote; a longer window than now set is cut to its newest part.
    public init(
        columns: Int,
        window: Int,
        from tensors: any TensorSource,
        prefix: String
    ) throws(LearningError) {
        self.init(columns: columns, window: window)
        let width = 1 + columns
        let counts = try tensors.values(prefix + "counts", of: Int64.self, shape: [4])
        total = try tensors.values(prefix + "total", shape: [width])
        partial = try tensors.values(prefix + "partial", shape: [width])
        blocks = try tensors.values(prefix + "blocks", shape: [-1, width])
        let blockCount = Int64(blocks.count / width)
        guard counts.allSatisfy({ $0 >= 0 && $0 < 1 << 60 }), counts[1] <= counts[0],
            Self.isBlockSize(counts[2]), counts[3] < counts[2],
            blockCount < Self.maximumBlockCount,
            counts[2] * blockCount + counts[3] == counts[0]
        else {
            throw LearningError(
                .tensor,
                "tensor \"\(prefix)counts\" holds \(counts) beside \(blockCount) blocks",
                remedy: "the file was not written by this learner; use another version"
            )
        }
        eventCount = counts[0]
        scoredCount = counts[1]
        blockSize = Int(counts[2])
        partialCount = Int(counts[3])
        let rows: [Float] = try tensors.values(prefix + "window", shape: [-1, width])
        self.window = Array(rows.suffix(window * width))
    }

    /// Whether blocks can have grown to this size by merging.
    private static func isBlockSize(_ size: Int64) -> Bool {
        let merges = size / Int64(initialBlockSize)
        return size % Int64(initialBlockSize) == 0 && merges.nonzeroBitCount == 1
            && merges < 1 << 30
    }
}
