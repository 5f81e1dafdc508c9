import ModelStore

/// Offsets to learn without, as they are named on the command line: `PARTITION:FROM-TO`, or
/// `TOPIC/PARTITION:FROM-TO`.
enum ExcludedOffsets {
    /// The offsets; `topic` where none is named.
    static func parse(_ text: String, topic: String) throws(CommandFailure) -> OffsetRange {
        guard let match = text.wholeMatch(of: /(?:([^\/]+)\/)?(\d+):(\d+)-(\d+)/),
            let partition = Int32(match.2), let first = Int64(match.3), let last = Int64(match.4),
            first <= last
        else {
            throw CommandFailure(
                .misuse,
                "--without \"\(text)\" is no range of offsets",
                remedy: "write PARTITION:FROM-TO, both inclusive, such as 0:100-199, or "
                    + "TOPIC/PARTITION:FROM-TO"
            )
        }
        return OffsetRange(
            topic: match.1.map(String.init) ?? topic,
            partition: partition,
            first: first,
            last: last
        )
    }

    /// How a range is written.
    static func text(_ range: OffsetRange) -> String {
        "\(range.topic)/\(range.partition):\(range.first)-\(range.last)"
    }
}
