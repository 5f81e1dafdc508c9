/// Lines of fields between delimiters: CSV, and MovieLens' `u.data` and `ratings.dat`.
struct DelimitedFormat: LineFormat {
    /// Where the fields of an event are, counted from 0.
    struct Columns: Sendable, Equatable {
        var user: Int
        var item: Int
        var value: Int?
        var timestamp: Int?

        /// The last field needed.
        var last: Int { max(user, item, value ?? 0, timestamp ?? 0) }
    }

    let name: String
    /// One or two bytes.
    let delimiter: [UInt8]
    let columns: Columns
    let unit: TimestampUnit
    /// Whether `"a ""quoted"" field"` is one field (RFC 4180).
    ///
    /// It cannot contain a line end.
    let allowsQuotes: Bool

    func interaction(in line: ArraySlice<UInt8>) throws(LineProblem) -> Interaction {
        let fields = try self.fields(of: line)
        guard fields.count > columns.last else {
            throw LineProblem(
                "there are \(fields.count) fields, at least \(columns.last + 1) are needed"
            )
        }
        let user = try EventField.id(fields[columns.user], "user")
        let item = try EventField.id(fields[columns.item], "item")
        var value: Double?
        if let column = columns.value, !fields[column].isEmpty {
            value = try EventField.value(Self.text(fields[column]))
        }
        var timestamp: Int64 = 0
        if let column = columns.timestamp {
            timestamp = try unit.milliseconds(Self.text(fields[column]))
        }
        return Interaction(user: user, item: item, value: value, timestamp: timestamp)
    }

    /// The fields of a line, as far as they are needed.
    func fields(
        of line: ArraySlice<UInt8>,
        all: Bool = false
    ) throws(LineProblem) -> [ArraySlice<UInt8>] {
        var fields: [ArraySlice<UInt8>] = []
        fields.reserveCapacity(columns.last + 1)
        var rest = line
        while all || fields.count <= columns.last {
            if allowsQuotes, rest.first == UInt8(ascii: "\"") {
                fields.append(try Self.takeQuoted(&rest))
                guard rest.isEmpty || startsWithDelimiter(rest) else {
                    throw LineProblem("there is text after a closing quote")
                }
            } else {
                let end = firstDelimiter(in: rest)
                fields.append(rest[rest.startIndex..<end])
                rest = rest[end...]
            }
            if rest.isEmpty { break }
            rest = rest.dropFirst(delimiter.count)
            // A delimiter at the end is followed by an empty field.
            if rest.isEmpty {
                fields.append(rest)
                break
            }
        }
        return fields
    }

    private func startsWithDelimiter(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.starts(with: delimiter)
    }

    private func firstDelimiter(in bytes: ArraySlice<UInt8>) -> Int {
        var index = bytes.startIndex
        while let found = bytes[index...].firstIndex(of: delimiter[0]) {
            if delimiter.count == 1 || startsWithDelimiter(bytes[found...]) { return found }
            index = found + 1
        }
        return bytes.endIndex
    }

    /// Takes a quoted field off the front; two quotes inside stand for one.
    private static func takeQuoted(
        _ rest: inout ArraySlice<UInt8>
    ) throws(LineProblem) -> ArraySlice<UInt8> {
        let quote = UInt8(ascii: "\"")
        var field: ArraySlice<UInt8> = []
        rest = rest.dropFirst()
        while let end = rest.firstIndex(of: quote) {
            field.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            guard rest.first == quote else { return field }
            field.append(quote)
            rest = rest.dropFirst()
        }
        throw LineProblem("a quote is not closed on its line")
    }

    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).trimmingPrefix { $0 == " " }.description
    }
}
