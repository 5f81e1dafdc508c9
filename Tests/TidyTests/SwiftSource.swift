/// A Swift file, with what is needed to judge it without a compiler.
struct SwiftSource {
    let path: String
    /// The lines as they are.
    let lines: [Substring]
    /// The text with the insides of comments, strings and quoted names blanked out, byte for byte
    /// in the same place.
    let code: [UInt8]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = CodeMask(text).code
    }

    /// The lines of `code`.
    var codeLines: [String] {
        code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The number of lines, a last empty one not counted.
    var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }

    /// Every module that the file imports.
    var imports: [String] {
        let statement =
            /^\s*(?:@\w+(?:\(\w+\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|func|var|let|protocol|typealias)\s+)?(\w+)/
        return codeLines.compactMap { line in line.firstMatch(of: statement).map { String($0.1) } }
    }
}

/// Blanks out comments, strings and quoted names: the rest can be searched for words and braces.
///
/// Code inside `\(…)` stays. Regular expression literals are taken for code.
private struct CodeMask {
    private let source: [UInt8]
    private(set) var code: [UInt8]
    private var index = 0

    init(_ text: String) {
        source = Array(text.utf8)
        code = source
        skipCode(untilParenthesisCloses: false)
    }

    private func isNext(_ text: StaticString, at offset: Int = 0) -> Bool {
        text.withUTF8Buffer { text in
            index + offset + text.count <= source.count
                && source[(index + offset)..<(index + offset + text.count)].elementsEqual(text)
        }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < source.count {
            if source[index] != UInt8(ascii: "\n") { code[index] = UInt8(ascii: " ") }
            index += 1
        }
    }

    private mutating func skipCode(untilParenthesisCloses isInString: Bool) {
        var depth = 0
        while index < source.count {
            if isNext("//") {
                while index < source.count, !isNext("\n") { blank() }
            } else if isNext("/*") {
                skipBlockComment()
            } else if isNext("`") {
                blank()
                while index < source.count, !isNext("`"), !isNext("\n") { blank() }
                blank()
            } else if let hashCount = hashesBeforeQuote() {
                skipString(hashCount)
            } else {
                depth += isNext("(") ? 1 : isNext(")") ? -1 : 0
                index += 1
                if isInString, depth == 0 { return }
            }
        }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if isNext("/*") {
                depth += 1
                blank(2)
            } else if isNext("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < source.count
    }

    /// The number of `#` before the quote of a string that begins here; nil when none does.
    private func hashesBeforeQuote() -> Int? {
        var count = 0
        while isNext("#", at: count) { count += 1 }
        return isNext("\"", at: count) ? count : nil
    }

    private func hasHashes(_ count: Int, at offset: Int) -> Bool {
        (0..<count).allSatisfy { isNext("#", at: offset + $0) }
    }

    private mutating func skipString(_ hashCount: Int) {
        let isMultiline = isNext("\"\"\"", at: hashCount)
        let quoteCount = isMultiline ? 3 : 1
        blank(hashCount + quoteCount)
        while index < source.count {
            if isNext("\\"), hasHashes(hashCount, at: 1) {
                let isInterpolation = isNext("(", at: 1 + hashCount)
                blank(1 + hashCount)
                if isInterpolation {
                    skipCode(untilParenthesisCloses: true)
                } else {
                    blank()
                }
            } else if isNext(isMultiline ? "\"\"\"" : "\""), hasHashes(hashCount, at: quoteCount) {
                return blank(quoteCount + hashCount)
            } else if !isMultiline, isNext("\n") {
                return
            } else {
                blank()
            }
        }
    }
}
