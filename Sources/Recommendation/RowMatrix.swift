import Learning

/// Rows of floats that grow in number: the factors of users or items.
///
/// Each row is padded with zeros (accumulators: with their initial value) to a multiple of 16 floats
/// and aligned to 64 bytes. Rows lie in chunks of 4096, one after another, so that growth copies
/// nothing and a chunk can be scored at once. Owned by one thread, with the object that holds it.
final class RowMatrix {
    static let rowsPerChunk = 4096

    /// Floats per row that carry meaning.
    let width: Int
    /// Floats per row in memory.
    let stride: Int
    private(set) var count = 0
    private let chunks = Column<UnsafeMutablePointer<Float>>()

    init(width: Int) {
        self.width = width
        stride = (width + 15) / 16 * 16
    }

    deinit { for chunk in chunks.buffer { UnsafeMutableRawPointer(chunk).deallocate() } }

    /// The row; `row` must be below `count`.
    subscript(row: Int32) -> UnsafeMutablePointer<Float> {
        assert(row >= 0 && row < count)
        let index = Int(row)
        return chunks.base[index / Self.rowsPerChunk] + index % Self.rowsPerChunk * stride
    }

    /// A new row in which every float, padding too, is `value`.
    @discardableResult
    func append(filledWith value: Float = 0) -> UnsafeMutablePointer<Float> {
        grow(to: count + 1)
        let row = self[Int32(count - 1)]
        row.update(repeating: value, count: stride)
        return row
    }

    /// Makes room for at least so many rows; the caller fills those that are new.
    func extend(to newCount: Int, padding: Float) {
        let oldCount = count
        if newCount > oldCount { grow(to: newCount) }
        guard stride > width, newCount > oldCount else { return }
        for row in oldCount..<newCount {
            (self[Int32(row)] + width).update(repeating: padding, count: stride - width)
        }
    }

    private func grow(to newCount: Int) {
        count = newCount
        while count > chunks.count * Self.rowsPerChunk {
            let byteCount = Self.rowsPerChunk * stride * MemoryLayout<Float>.stride
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            chunks.append(memory.bindMemory(to: Float.self, capacity: Self.rowsPerChunk * stride))
        }
    }

    /// Sets every float of a row, padding too.
    func fill(_ row: Int32, with value: Float) { self[row].update(repeating: value, count: stride) }

    /// Copies one row over another.
    func copyRow(_ source: Int32, to target: Int32) {
        self[target].update(from: self[source], count: stride)
    }

    /// Drops the rows from `newCount` on.
    func truncate(to newCount: Int) {
        count = newCount
        let needed = (newCount + Self.rowsPerChunk - 1) / Self.rowsPerChunk
        for index in needed..<max(needed, chunks.count) {
            UnsafeMutableRawPointer(chunks[index]).deallocate()
        }
        if needed < chunks.count { chunks.truncate(to: needed) }
    }

    /// Bytes of a row.
    var bytesPerRow: Int { stride * MemoryLayout<Float>.stride }

    /// The rows from `start` that lie one after another, at most `limit`.
    func run(from start: Int, limit: Int) -> (rows: UnsafePointer<Float>, count: Int) {
        let inChunk = Self.rowsPerChunk - start % Self.rowsPerChunk
        return (UnsafePointer(self[Int32(start)]), min(limit, inChunk, count - start))
    }

    /// Calls `body` with rows whose floats follow one another in memory, without padding between:
    /// the first one's memory, its number, and how many rows.
    func forEachBlock<Failure: Error>(
        of rows: Range<Int>,
        _ body: (UnsafeMutablePointer<Float>, _ first: Int, _ count: Int) throws(Failure) -> Void
    ) throws(Failure) {
        var row = rows.lowerBound
        while row < rows.upperBound {
            let inChunk = Self.rowsPerChunk - row % Self.rowsPerChunk
            let count = stride == width ? min(inChunk, rows.upperBound - row) : 1
            try body(self[Int32(row)], row, count)
            row += count
        }
    }

    /// A copy of rows without padding, of shape [rows, width], in memory that was prepared for it.
    func tensor(_ rows: RowSelection, in memory: WarmMemory = WarmMemory()) -> Tensor {
        let rowByteCount = width * MemoryLayout<Float>.stride
        var bytes = memory.take(byteCount: rows.count * rowByteCount)
        rows.forEachRun { rows, _ in
            forEachBlock(of: rows) { block, _, count in
                bytes.append(
                    contentsOf: UnsafeRawBufferPointer(start: block, count: count * rowByteCount)
                )
            }
        }
        return Tensor(elementType: .float32, shape: [rows.count, width], bytes: bytes)
    }

    /// Overwrites a row with `width` floats of `values`, those at `index * width`.
    func set(_ row: Int32, from values: [Float], at index: Int) {
        values.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            self[row].update(from: start + index * width, count: width)
        }
    }
}
