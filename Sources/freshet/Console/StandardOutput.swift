/// Results on standard output: lines for people, or JSON for scripts.
enum StandardOutput {
    /// Prints lines.
    static func print(_ lines: [String]) throws(CommandFailure) {
        let output = LineWriter.standardOutput()
        for line in lines { try output.line(line) }
        try output.flush()
    }

    /// Prints a value: a line of JSON, or its lines for people.
    static func print(
        _ value: some Encodable,
        json: Bool,
        _ lines: @autoclosure () -> [String]
    ) throws(CommandFailure) {
        try print(json ? [try JSONOutput.line(value)] : lines())
    }

    /// Prints values: a line of JSON each, or lines for people.
    static func print(
        each values: [some Encodable],
        json: Bool,
        _ lines: @autoclosure () -> [String]
    ) throws(CommandFailure) {
        try print(
            json
                ? try values.map { value throws(CommandFailure) in try JSONOutput.line(value) }
                : lines()
        )
    }
}
