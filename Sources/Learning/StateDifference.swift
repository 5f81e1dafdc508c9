/// What is different between two whole states of the same layout.
///
/// A row is found in both by its id, the first list column of its table; how far it has moved is the
/// Euclidean distance of what the table's first column `….factors` holds for it.
public struct StateDifference: Sendable, Equatable {
    /// A row and how far it moved.
    public struct Move: Sendable, Equatable, Codable {
        /// The row's id.
        public let id: String
        /// The distance.
        public let distance: Double
    }

    /// What is different in one table.
    public struct Table: Sendable, Equatable, Codable {
        /// The table's name.
        public let name: String
        /// How many rows are in both.
        public let commonCount: Int
        /// How many of those moved at all.
        public let movedCount: Int
        /// Those that moved most, the farthest first.
        public let moved: [Move]
        /// How many rows only the second state has.
        public let addedCount: Int
        /// The first of them in the order of rows.
        public let added: [String]
        /// How many rows only the first state has.
        public let removedCount: Int
        /// The first of them in the order of rows.
        public let removed: [String]
    }

    /// The tables that have ids and factors.
    public let tables: [Table]

    /// Compares two states; at most `limit` rows of each kind are named.
    ///
    /// Throws when a tensor is missing, or the factors have different widths.
    public init(
        from first: some TensorSource,
        to second: some TensorSource,
        layout: StateLayout,
        limit: Int
    ) throws(LearningError) {
        var tables: [Table] = []
        for table in layout.tables {
            guard let names = table.idsAndFactors else { continue }
            let before = try Rows(first, names)
            let after = try Rows(second, names)
            guard before.width == after.width else {
                throw LearningError(
                    .tensor,
                    "tensor \"\(names.factors)\" has \(before.width) numbers a row in one state and "
                        + "\(after.width) in the other",
                    remedy: "compare versions that were learned with the same settings"
                )
            }
            tables.append(Self.compare(before, after, name: table.name, limit: limit))
        }
        self.tables = tables
    }

    private static func compare(_ before: Rows, _ after: Rows, name: String, limit: Int) -> Table {
        var (moves, added): ([(row: Int, distance: Double)], [Int]) = ([], [])
        var commonCount = 0
        for (row, id) in after.ids.enumerated() where !id.isEmpty {
            guard let old = before.rows[id] else {
                added.append(row)
                continue
            }
            commonCount += 1
            let distance = before.distance(old, to: row, of: after)
            if distance != 0 { moves.append((row, distance)) }
        }
        let removed = before.ids.indices.filter {
            !before.ids[$0].isEmpty && after.rows[before.ids[$0]] == nil
        }
        moves.sort { ($1.distance, $0.row) < ($0.distance, $1.row) }
        func text(_ id: ArraySlice<UInt8>) -> String { String(decoding: id, as: UTF8.self) }
        return Table(
            name: name,
            commonCount: commonCount,
            movedCount: moves.count,
            moved: moves.prefix(limit).map {
                Move(id: text(after.ids[$0.row]), distance: $0.distance)
            },
            addedCount: added.count,
            added: added.prefix(limit).map { text(after.ids[$0]) },
            removedCount: removed.count,
            removed: removed.prefix(limit).map { text(before.ids[$0]) }
        )
    }
}

/// The ids and factors of a table's rows; a free row has an empty id.
private struct Rows {
    let ids: [ArraySlice<UInt8>]
    let rows: [ArraySlice<UInt8>: Int]
    let width: Int
    private let factors: [Float]

    init(
        _ state: some TensorSource,
        _ names: (ids: String, lengths: String, factors: String)
    ) throws(LearningError) {
        let bytes: [UInt8] = try state.values(names.ids)
        let lengths: [Int32] = try state.values(names.lengths)
        let starts = ListStarts(lengths)
        let shape = try state.shape(of: names.factors, .float32, expected: [lengths.count, -1])
        guard starts.total == bytes.count, lengths.allSatisfy({ $0 >= 0 }) else {
            throw LearningError(
                .tensor,
                "tensor \"\(names.ids)\" has \(bytes.count) bytes, "
                    + "\"\(names.lengths)\" adds up to \(starts.total)",
                remedy: "the file is damaged; use another version"
            )
        }
        ids = lengths.indices.map { bytes[starts.elements(of: $0..<($0 + 1))] }
        rows = Dictionary(
            ids.enumerated().map { ($0.element, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
        width = shape[1]
        factors = try state.values(names.factors)
    }

    func distance(_ row: Int, to other: Int, of state: Rows) -> Double {
        var sum = 0.0
        for index in 0..<width {
            let difference =
                Double(factors[row * width + index])
                - Double(state.factors[other * width + index])
            sum += difference * difference
        }
        return sum.squareRoot()
    }
}

extension StateLayout.Table {
    fileprivate var idsAndFactors: (ids: String, lengths: String, factors: String)? {
        var ids: (values: String, lengths: String)?
        var factors: String?
        for column in columns {
            switch column {
            case .list(let values, let lengths): ids = ids ?? (values, lengths)
            case .dense(let name):
                if name.hasSuffix(".factors") { factors = factors ?? name }
            }
        }
        guard let ids, let factors else { return nil }
        return (ids.values, ids.lengths, factors)
    }
}
