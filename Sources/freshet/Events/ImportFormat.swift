import ArgumentParser

/// The formats that `events import` reads.
enum ImportFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// MovieLens 100K: user, item, rating, seconds, between tabs.
    case uData = "u.data"
    /// MovieLens 10M and later: `userId,movieId,rating,timestamp` under a heading.
    case ratingsCSV = "ratings.csv"
    /// MovieLens 1M and 10M: `user::item::rating::seconds`.
    case ratingsDat = "ratings.dat"
    /// Any CSV with a heading.
    case csv
    /// JSON lines.
    case jsonl

    /// The format that a file's first line is in; nil when it is in none of them.
    static func detect(_ firstLine: ArraySlice<UInt8>) -> ImportFormat? {
        let line = DelimitedFormat.text(firstLine)
        if line.hasPrefix("{") { return .jsonl }
        if line.split(separator: "::").count == 4 { return .ratingsDat }
        let tabs = line.split(separator: "\t")
        if tabs.count == 4, tabs.allSatisfy({ Double($0) != nil }) { return .uData }
        let names = line.split(separator: ",").map { $0.lowercased() }
        if names.starts(with: ["userid", "movieid"]) { return .ratingsCSV }
        return names.count >= 2 ? .csv : nil
    }
}

/// What the command line says about a file to import.
struct ImportOptions {
    /// The format; nil to find out.
    var format: ImportFormat?
    /// `user=customer,item=sku,value=quantity,timestamp=at`: names of the heading, or numbers from
    /// 1 on where there is no heading.
    ///
    /// Empty for the usual names.
    var columns = ""
    /// Whether a CSV begins with names.
    var hasHeading = true
    /// Between the fields of a CSV.
    var delimiter = ","
    /// The unit of timestamps; nil for the format's own.
    var unit: TimestampUnit?
    /// Whether each event needs a timestamp of its own.
    var needsTimestamp = true

    /// Names that columns usually have, by what is in them.
    private static let usualNames: [(role: String, names: [String])] = [
        ("user", ["user", "userid", "user_id"]),
        ("item", ["item", "itemid", "item_id", "movieid", "movie_id"]),
        ("value", ["value", "rating"]),
        ("timestamp", ["timestamp", "time", "ts"]),
    ]

    /// The reader for a file, and where its first event begins.
    func reader(
        for file: LineFile
    ) throws(CommandFailure) -> (format: any LineFormat, start: Int) {
        let first = file.line(at: file.start)
        let firstLine = file.bytes[first.content]
        guard let format = format ?? impliedFormat ?? ImportFormat.detect(firstLine) else {
            throw CommandFailure(
                .misuse,
                "the format of \(file.name) cannot be told from its first line "
                    + EventField.quoted(DelimitedFormat.text(firstLine)),
                remedy: "name it with --format, one of "
                    + ImportFormat.allCases.map(\.rawValue).joined(separator: ", ")
            )
        }
        let movieLens = DelimitedFormat.Columns(user: 0, item: 1, value: 2, timestamp: 3)
        switch format {
        case .uData: return (fixed(format, "\t", movieLens), file.start)
        case .ratingsDat: return (fixed(format, "::", movieLens), file.start)
        case .ratingsCSV: return (fixed(format, ",", movieLens), first.next)
        case .jsonl:
            let jsonl = JSONLinesFormat(
                unit: unit ?? .milliseconds,
                needsTimestamp: needsTimestamp
            )
            return (jsonl, file.start)
        case .csv:
            let csv = try self.csv(heading: firstLine, file: file.name)
            return (csv, hasHeading ? first.next : file.start)
        }
    }

    /// Only a CSV has columns, heading and delimiter to be told about.
    private var impliedFormat: ImportFormat? {
        columns.isEmpty && hasHeading && delimiter == "," ? nil : .csv
    }

    private func fixed(
        _ format: ImportFormat,
        _ delimiter: String,
        _ columns: DelimitedFormat.Columns
    ) -> DelimitedFormat {
        DelimitedFormat(
            name: format.rawValue,
            delimiter: Array(delimiter.utf8),
            columns: columns,
            unit: unit ?? .seconds,
            allowsQuotes: false
        )
    }

    private func csv(
        heading: ArraySlice<UInt8>,
        file: String
    ) throws(CommandFailure) -> DelimitedFormat {
        guard (1...2).contains(delimiter.utf8.count) else {
            throw CommandFailure(
                .misuse,
                "the delimiter \"\(delimiter)\" has \(delimiter.utf8.count) bytes",
                remedy: "use one or two, such as ; or a tab"
            )
        }
        let names = try hasHeading ? headingNames(heading, file: file) : nil
        let wanted = try wantedColumns()
        var found: [String: Int] = [:]
        for (role, usual) in Self.usualNames {
            if let name = wanted[role] {
                found[role] = try index(of: name, role: role, in: names, file: file)
            } else if wanted.isEmpty, let names {
                found[role] = names.firstIndex { usual.contains($0.lowercased()) }
            }
        }
        let isComplete = found["timestamp"] != nil || !needsTimestamp
        guard let user = found["user"], let item = found["item"], isComplete else {
            let missing = ["user", "item", "timestamp"].filter { found[$0] == nil }
            throw CommandFailure(
                .misuse,
                "\(file) has no column for \(missing.joined(separator: ", ")) "
                    + "(its columns are \(names?.joined(separator: ", ") ?? "not named"))",
                remedy: "name them, such as --columns user=NAME,item=NAME,timestamp=NAME"
            )
        }
        return DelimitedFormat(
            name: "csv",
            delimiter: Array(delimiter.utf8),
            columns: DelimitedFormat.Columns(
                user: user,
                item: item,
                value: found["value"],
                timestamp: found["timestamp"]
            ),
            unit: unit ?? .automatic,
            allowsQuotes: true
        )
    }

    private func headingNames(
        _ heading: ArraySlice<UInt8>,
        file: String
    ) throws(CommandFailure) -> [String] {
        let splitter = DelimitedFormat(
            name: "csv",
            delimiter: Array(delimiter.utf8),
            columns: DelimitedFormat.Columns(user: 0, item: 0),
            unit: .seconds,
            allowsQuotes: true
        )
        do throws(LineProblem) {
            return try splitter.fields(of: heading, all: true).map {
                DelimitedFormat.text($0)
            }
        } catch {
            throw CommandFailure(
                .misuse,
                "the heading of \(file) cannot be read (\(error.reason))",
                remedy: "correct its first line, or say --no-heading"
            )
        }
    }

    /// What `--columns` says, by role.
    private func wantedColumns() throws(CommandFailure) -> [String: String] {
        var wanted: [String: String] = [:]
        for pair in columns.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, Self.usualNames.contains(where: { $0.role == parts[0] }) else {
                throw CommandFailure(
                    .misuse,
                    "--columns has \"\(pair)\"",
                    remedy: "write user=…,item=…,value=…,timestamp=…"
                )
            }
            wanted[parts[0]] = parts[1]
        }
        return wanted
    }

    private func index(
        of name: String,
        role: String,
        in names: [String]?,
        file: String
    ) throws(CommandFailure) -> Int {
        if let names {
            if let index = names.firstIndex(of: name) { return index }
            let near = Suggestion.nearest(to: name, in: names)
            throw CommandFailure(
                .misuse,
                "\(file) has no column \"\(name)\" for \(role)",
                remedy: near.map { "did you mean \"\($0)\"?" }
                    ?? "its columns are \(names.joined(separator: ", "))"
            )
        }
        // 4096: no file of events is that wide, and a typing error must not reserve memory.
        guard let number = Int(name), (1...4096).contains(number) else {
            throw CommandFailure(
                .misuse,
                "column \"\(name)\" for \(role) is no number from 1 to 4096",
                remedy: "without a heading, count the columns from 1"
            )
        }
        return number - 1
    }
}
