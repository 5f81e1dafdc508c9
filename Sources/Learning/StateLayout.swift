/// Which tensors of a state are tables of rows; all others are whole.
///
/// An increment holds the changed rows of each table, and the whole tensors anew.
public struct StateLayout: Sendable, Equatable {
    /// Tensors that hold something for every row of a table.
    public enum Column: Sendable, Equatable {
        /// One tensor of shape [rows, …].
        case dense(String)
        /// A list for each row: `lengths` of shape [rows], and the elements of all lists, one
        /// after another, in `values` of shape [sum of lengths].
        case list(values: String, lengths: String)

        /// A tensor whose first extent is the number of rows.
        public var perRow: String {
            switch self {
            case .dense(let name): name
            case .list(_, let lengths): lengths
            }
        }

        /// Its tensors.
        public var names: [String] {
            switch self {
            case .dense(let name): [name]
            case .list(let values, let lengths): [lengths, values]
            }
        }
    }

    /// Rows and what is kept for each.
    public struct Table: Sendable, Equatable {
        /// The table's name, such as `users`.
        public var name: String
        /// What is kept for each row; at least one.
        public var columns: [Column]

        /// Describes a table.
        public init(_ name: String, columns: [Column]) {
            self.name = name
            self.columns = columns
        }

        /// The tensor of an increment that says which rows it holds: I32, strictly ascending.
        public var rowsName: String { "rows/" + name }

        /// The tensor of an increment that says how many rows there were before it: I64 [1].
        public var baseCountName: String { Increment.basePrefix + name }

        /// The tensor of an increment that says how many rows there are after it: I64 [1].
        public var sizeName: String { "size/" + name }
    }

    /// The tables.
    public var tables: [Table]

    /// Describes a state.
    public init(tables: [Table]) { self.tables = tables }
}
