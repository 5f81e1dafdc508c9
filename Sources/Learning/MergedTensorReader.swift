/// Which bytes of which source a merged tensor is made of, from front to back.
struct MergedPieces {
    /// Bytes that follow one another in a source.
    struct Piece {
        var source: Int
        var range: Range<Int>
        /// How many rows they are.
        var rowCount: Int
    }

    private let content: StateMerge.MergedTensor.Content
    /// Where lists begin, for each source that some come from.
    private let lists: [ListCursor?]
    /// Row of the table, or for a copy the number of pieces so far.
    private var position = 0
    private let byteCount: Int

    init(
        _ tensor: StateMerge.MergedTensor,
        of sources: [any TensorSource]
    ) throws(LearningError) {
        content = tensor.content
        byteCount = tensor.entry.byteCount
        guard case .lists(let rows, let lengths, _) = content else {
            lists = []
            return
        }
        var lists = [ListCursor?](repeating: nil, count: sources.count)
        for (source, count) in rows.takenCounts.enumerated() where count > 0 {
            lists[source] = try ListCursor(
                sources[source],
                lengths: lengths,
                values: tensor.entry,
                count: rows.sourceCounts[source]
            )
        }
        self.lists = lists
    }

    /// Rows that come from a source.
    func rowCount(of source: Int) -> Int {
        switch content {
        case .copy: 1
        case .rows(let rows, _), .lists(let rows, _, _): rows.takenCounts[source]
        }
    }

    /// The next piece; nil at the end.
    ///
    /// Throws when lists do not fit their lengths.
    mutating func next() throws(LearningError) -> Piece? {
        switch content {
        case .copy(let source):
            guard position == 0 else { return nil }
            position = 1
            return Piece(source: source, range: 0..<byteCount, rowCount: 1)
        case .rows(let rows, let width):
            guard let run = take(from: rows) else { return nil }
            return piece(run, of: run.rows, width: width)
        case .lists(let rows, _, let width):
            guard let run = take(from: rows) else {
                for list in lists { try list?.finish() }
                return nil
            }
            let elements = try lists[run.source]?.elements(of: run.rows) ?? 0..<0
            return piece(run, of: elements, width: width)
        }
    }

    private mutating func take(from rows: MergedRows) -> MergedRows.Run? {
        guard let (run, end) = rows.run(from: position) else { return nil }
        position = end
        return run
    }

    private func piece(_ run: MergedRows.Run, of elements: Range<Int>, width: Int) -> Piece {
        Piece(
            source: run.source,
            range: (elements.lowerBound * width)..<(elements.upperBound * width),
            rowCount: run.rows.count
        )
    }
}

/// Finds where lists that are asked for in their order begin, from the lengths of all.
private final class ListCursor {
    private var reader: TensorReader
    private let values: String
    private let count: Int
    /// Number of elements of all lists.
    private let total: Int
    private var list = 0
    private var element = 0

    init(
        _ source: any TensorSource,
        lengths: String,
        values: Safetensors.Entry,
        count: Int
    ) throws(LearningError) {
        try source.shape(of: lengths, .int32, expected: [count])
        total = try source.shape(of: values.name, values.elementType, expected: [-1])[0]
        self.values = values.name
        self.count = count
        reader = TensorReader(
            source,
            lengths,
            byteCount: count * MemoryLayout<Int32>.size,
            windowByteCount: 1 << 16
        )
    }

    /// The elements of lists that follow one another, after those that were asked for before.
    func elements(of lists: Range<Int>) throws(LearningError) -> Range<Int> {
        try advance(to: lists.lowerBound)
        let start = element
        try advance(to: lists.upperBound)
        return start..<element
    }

    /// Throws unless all lists together are all elements.
    func finish() throws(LearningError) {
        try advance(to: count)
        guard element == total else { throw damage() }
    }

    private func advance(to end: Int) throws(LearningError) {
        while list < end {
            var length: Int32 = 0
            var failure: LearningError?
            withUnsafeMutableBytes(of: &length) { bytes in
                do throws(LearningError) {
                    try reader.read(at: list * MemoryLayout<Int32>.size, into: bytes)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            guard length >= 0, element + Int(length) <= total else { throw damage() }
            element += Int(length)
            list += 1
        }
    }

    private func damage() -> LearningError {
        LearningError(
            .tensor,
            "tensor \"\(values)\" has \(total) elements, its lists do not add up to that",
            remedy: "the file is damaged; use another version"
        )
    }
}

/// Reads a merged tensor from front to back.
struct MergedTensorReader: ~Copyable {
    /// Of a source of which there is more to come.
    private final class Window {
        var reader: TensorReader
        var rowsLeft: Int

        init(_ reader: consuming TensorReader, rowsLeft: Int) {
            self.reader = reader
            self.rowsLeft = rowsLeft
        }
    }

    /// Many sources may be open at once.
    private static let windowByteCount = 1 << 16

    private let name: String
    private let sources: [any TensorSource]
    private var pieces: MergedPieces
    private var windows: [Window?]
    private var piece: MergedPieces.Piece?

    init(
        _ tensor: StateMerge.MergedTensor,
        of sources: [any TensorSource]
    ) throws(LearningError) {
        name = tensor.entry.name
        self.sources = sources
        pieces = try MergedPieces(tensor, of: sources)
        windows = [Window?](repeating: nil, count: sources.count)
    }

    /// Fills `target` as far as there are bytes left, and returns how many; 0 at the end.
    mutating func read(into target: UnsafeMutableRawBufferPointer) throws(LearningError) -> Int {
        var filled = 0
        while filled < target.count {
            guard var current = try nextPiece() else { break }
            let count = min(current.range.count, target.count - filled)
            let window = try window(on: current.source)
            try window.reader.read(
                at: current.range.lowerBound,
                into: UnsafeMutableRawBufferPointer(rebasing: target[filled..<(filled + count)])
            )
            filled += count
            current.range = current.range.dropFirst(count)
            piece = current
            guard current.range.isEmpty else { continue }
            piece = nil
            window.rowsLeft -= current.rowCount
            if window.rowsLeft == 0 { windows[current.source] = nil }
        }
        return filled
    }

    private mutating func nextPiece() throws(LearningError) -> MergedPieces.Piece? {
        if let piece { return piece }
        return try pieces.next()
    }

    private mutating func window(on source: Int) throws(LearningError) -> Window {
        if let window = windows[source] { return window }
        let (elementType, shape) = try sources[source].type(of: name)
        let window = Window(
            TensorReader(
                sources[source],
                name,
                byteCount: shape.reduce(elementType.byteCount, *),
                windowByteCount: Self.windowByteCount
            ),
            rowsLeft: pieces.rowCount(of: source)
        )
        windows[source] = window
        return window
    }
}
