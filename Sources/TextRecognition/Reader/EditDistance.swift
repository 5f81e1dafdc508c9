/// How far a text that was read is from the true one.
enum EditDistance {
    /// The least number of characters to insert, delete or replace (Levenshtein, 1966).
    static func between(_ read: [UInt8], _ truth: [UInt8]) -> Int {
        if read == truth { return 0 }
        var row = Array(0...truth.count)
        for (index, character) in read.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for place in truth.indices {
                let replaced = diagonal + (character == truth[place] ? 0 : 1)
                diagonal = row[place + 1]
                row[place + 1] = min(replaced, row[place] + 1, diagonal + 1)
            }
        }
        return row[truth.count]
    }

    /// The same without spaces, and how many characters the truth has then: how wide a gap is, is
    /// the printer's matter.
    static func withoutSpaces(
        _ read: [UInt8],
        _ truth: [UInt8]
    ) -> (distance: Int, length: Int) {
        let space = UInt8(ascii: " ")
        let truth = truth.filter { $0 != space }
        return (between(read.filter { $0 != space }, truth), truth.count)
    }
}
