import Foundation

/// Values as scripts read them.
enum JSONOutput {
    /// The value as JSON on one line, keys in alphabetical order and in snake_case.
    static func line(_ value: some Encodable) throws(CommandFailure) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw CommandFailure(
                .failure,
                "the result cannot be written as JSON (\(error))",
                remedy: "leave out --json"
            )
        }
    }
}
