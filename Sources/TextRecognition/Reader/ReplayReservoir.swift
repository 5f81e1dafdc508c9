import Learning

/// Earlier labels that are learned again, so that what is new does not push out what was learned.
///
/// Slices (a field of a design) share the limit: within one, every label that came has the same
/// chance to be kept (Vitter, "Random sampling with a reservoir", 1985); between them, the one that
/// takes most gives way. Which lines are kept is a function of the labels and their offsets.
///
/// Lines stand in rows without a gap: the last one takes the place of one that goes. Owned by the
/// learner's thread.
struct ReplayReservoir {
    static let table = StateLayout.Table(
        "replay",
        columns: [
            .list(values: "replay.pixels", lengths: "replay.pixels.lengths"),
            .list(values: "replay.texts", lengths: "replay.texts.lengths"),
            .dense("replay.slices"), .dense("replay.origins"),
        ]
    )

    private let limit: Int
    private let alphabet: Alphabet
    private(set) var lines: [KeptLine] = []
    /// Rows and bytes of each slice.
    private var sizes: [Int32: (lines: Int, bytes: Int)] = [:]
    private var byteCount = 0
    /// Rows that changed since the last completed checkpoint; of some, there may be none any more.
    private var changed: Set<Int32> = []
    /// Rows at the last completed checkpoint.
    private var baseCount = 0
    /// What is left of the round that parts are taken in; nil between checkpoints.
    private var round: Range<Int32>?

    /// An empty reservoir for lines of at most `limit` bytes.
    init(limit: Int, alphabet: Alphabet) {
        self.limit = limit
        self.alphabet = alphabet
    }

    /// Offers a line, the `seenCount`-th of its slice.
    mutating func offer(_ line: KeptLine, seenCount: Int64, _ random: inout KeyedRandom) {
        guard line.byteCount <= limit else { return }
        let own = sizes[line.slice, default: (0, 0)]
        if byteCount + line.byteCount > limit, own.lines > 0, isLargest(line.slice) {
            let place = random.index(below: Int(max(seenCount, 1)))
            guard place < own.lines else { return }
            replace(row(place, of: line.slice), with: line)
        } else {
            append(line)
        }
        while byteCount > limit, let slice = largest {
            remove(row(random.index(below: sizes[slice, default: (1, 0)].lines), of: slice))
        }
    }

    /// `count` lines, each of a slice chosen among all alike; fewer only when there are none.
    func sample(_ count: Int, _ random: inout KeyedRandom) -> [KeptLine] {
        guard !lines.isEmpty else { return [] }
        let slices = sizes.keys.sorted()
        return (0..<count).map { _ in
            let slice = slices[random.index(below: slices.count)]
            let place = random.index(below: sizes[slice, default: (1, 0)].lines)
            return lines[row(place, of: slice)]
        }
    }

    /// The slice with most bytes, of equal ones the first.
    private var largest: Int32? {
        sizes.max { ($0.value.bytes, $1.key) < ($1.value.bytes, $0.key) }?.key
    }

    private func isLargest(_ slice: Int32) -> Bool { largest == slice }

    /// The row of the n-th line of a slice.
    private func row(_ place: Int, of slice: Int32) -> Int {
        var left = place
        for (row, line) in lines.enumerated() where line.slice == slice {
            if left == 0 { return row }
            left -= 1
        }
        preconditionFailure("the slice has \(place - left) lines")
    }

    private mutating func append(_ line: KeptLine) {
        count(line, 1)
        changed.insert(Int32(lines.count))
        lines.append(line)
    }

    private mutating func replace(_ row: Int, with line: KeptLine) {
        count(lines[row], -1)
        count(line, 1)
        lines[row] = line
        changed.insert(Int32(row))
    }

    private mutating func remove(_ row: Int) {
        count(lines[row], -1)
        let last = lines.removeLast()
        guard row < lines.count else { return }
        lines[row] = last
        changed.insert(Int32(row))
    }

    private mutating func count(_ line: KeptLine, _ sign: Int) {
        var size = sizes[line.slice, default: (0, 0)]
        size = (size.lines + sign, size.bytes + sign * line.byteCount)
        sizes[line.slice] = size.lines > 0 ? size : nil
        byteCount += sign * line.byteCount
    }

    private mutating func recount() {
        sizes = [:]
        byteCount = 0
        for line in lines { count(line, 1) }
    }
}

// MARK: - Checkpoints

extension ReplayReservoir {
    private static let prefix = "replay."

    /// All lines.
    func encode(into tensors: inout NamedTensors) {
        lines.encode(into: &tensors, prefix: Self.prefix)
    }

    /// The reservoir of a whole state.
    init(
        limit: Int,
        alphabet: Alphabet,
        state: any TensorSource
    ) throws(LearningError) {
        self.init(limit: limit, alphabet: alphabet)
        lines = try [KeptLine](from: state, prefix: Self.prefix, alphabet: alphabet)
        recount()
        baseCount = lines.count
    }

    /// Checks an increment on this reservoir; what is returned is the one after it.
    func restored(from increment: any TensorSource) throws(LearningError) -> ReplayReservoir {
        let expected: [Int64] = try increment.values(Self.table.baseCountName, shape: [1])
        guard expected == [Int64(lines.count)] else {
            throw .wrongBase(Self.table.name, expected, [Int64(lines.count)])
        }
        let (rows, size) = try increment.changedRows(of: Self.table, oldCount: lines.count)
        let new = try [KeptLine](
            from: increment,
            prefix: Self.prefix,
            count: rows.count,
            alphabet: alphabet
        )
        var restored = self
        for (row, line) in zip(rows, new) {
            if Int(row) < restored.lines.count {
                restored.lines[Int(row)] = line
            } else {
                restored.lines.append(line)
            }
        }
        restored.lines.removeLast(restored.lines.count - size)
        restored.recount()
        restored.begin()
        return restored
    }

    /// Forgets all changes: the last completed checkpoint is what there is now.
    private mutating func begin() {
        changed = []
        baseCount = lines.count
        round = nil
    }

    /// Takes every row for changed since a checkpoint of nothing.
    mutating func beginWhole() {
        changed = Set((0..<Int32(lines.count)))
        baseCount = 0
        round = nil
    }

    /// The next part; nil when it is time for the last one: after one round over the rows that
    /// there were when the first part was taken.
    mutating func takePart(byteCount: Int) -> NamedTensors? {
        let rest = round ?? 0..<Int32(lines.count)
        let rows = changed.filter { rest.contains($0) && Int($0) < lines.count }.sorted()
        var (taken, size): ([Int32], Int) = ([], 0)
        for row in rows where size < byteCount {
            taken.append(row)
            size += lines[Int(row)].byteCount
        }
        guard let last = taken.last, taken.count < rows.count else { return nil }
        round = (last + 1)..<rest.upperBound
        changed.subtract(taken)
        var part = NamedTensors()
        encode(taken, into: &part)
        return part
    }

    /// All changed rows that are left, and what they are put on.
    mutating func takeLastPart(into part: inout NamedTensors) {
        encode(changed.filter { Int($0) < lines.count }.sorted(), into: &part)
        part[Self.table.baseCountName] = Tensor([Int64(baseCount)])
        part[Self.table.sizeName] = Tensor([Int64(lines.count)])
        begin()
    }

    private func encode(_ rows: [Int32], into tensors: inout NamedTensors) {
        tensors[Self.table.rowsName] = Tensor(rows)
        rows.map { lines[Int($0)] }.encode(into: &tensors, prefix: Self.prefix)
    }
}
