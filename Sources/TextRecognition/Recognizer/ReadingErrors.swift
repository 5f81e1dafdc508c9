/// How often readings are wrong.
///
/// Spaces do not count: whether a gap is one is a matter of taste.
public struct ReadingErrors: Sendable, Equatable {
    /// Lines that were read.
    public private(set) var lineCount = 0
    /// Lines that were read without an error.
    public private(set) var exactCount = 0
    /// Characters that stand there.
    public private(set) var characterCount = 0
    /// Characters that were exchanged, left out or added.
    public private(set) var editCount = 0

    /// Nothing read yet.
    public init() {}

    /// Counts a reading.
    public mutating func add(_ read: String, truth: String) {
        let (read, truth) = (read.filter { $0 != " " }, truth.filter { $0 != " " })
        let edits = Self.distance(Array(read), Array(truth))
        lineCount += 1
        exactCount += edits == 0 ? 1 : 0
        characterCount += truth.count
        editCount += edits
    }

    /// Adds what others counted.
    public mutating func add(_ other: ReadingErrors) {
        lineCount += other.lineCount
        exactCount += other.exactCount
        characterCount += other.characterCount
        editCount += other.editCount
    }

    /// Edits by characters of the truth; 0 when there are none.
    public var characterErrorRate: Double {
        characterCount > 0 ? Double(editCount) / Double(characterCount) : 0
    }

    /// The share of lines without an error; 0 when there are no lines.
    public var exactShare: Double {
        lineCount > 0 ? Double(exactCount) / Double(lineCount) : 0
    }

    /// Fewest exchanges, deletions and insertions that make one of the other (Levenshtein, 1966).
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        // The last row of the table: from the first i of `left` to the first j of `right`.
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let exchanged = diagonal + (character == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(exchanged, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
