extension SwiftSource {
    /// A function, initializer, deinitializer or subscript with a body.
    struct Function: Equatable {
        /// The line of its keyword, counted from 1.
        let line: Int
        /// The number of lines from there to the closing brace.
        let lineCount: Int
    }

    /// The functions of the file, nested ones included.
    var functions: [Function] {
        var scanner = FunctionScanner(code)
        return scanner.scan()
    }
}

/// Finds functions by keyword and matching braces in masked code.
private struct FunctionScanner {
    private let code: [UInt8]

    init(_ code: [UInt8]) { self.code = code }

    mutating func scan() -> [SwiftSource.Function] {
        var functions: [SwiftSource.Function] = []
        var line = 1
        var index = 0
        while index < code.count {
            if code[index] == UInt8(ascii: "\n") { line += 1 }
            let end = endOfWord(index)
            if end > index, isKeyword(index..<end), let body = body(after: end) {
                let lineCount = code[index...body].count { $0 == UInt8(ascii: "\n") } + 1
                functions.append(SwiftSource.Function(line: line, lineCount: lineCount))
            }
            index = max(end, index + 1)
        }
        return functions
    }

    private func endOfWord(_ start: Int) -> Int {
        var end = start
        while end < code.count, isWord(code[end]) { end += 1 }
        return end
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default:
            byte >= 0x80
        }
    }

    private func isKeyword(_ word: Range<Int>) -> Bool {
        // `.init(…)` is a call.
        if word.lowerBound > 0, code[word.lowerBound - 1] == UInt8(ascii: ".") { return false }
        let keywords = ["func", "init", "deinit", "subscript"]
        return keywords.contains { $0.utf8.elementsEqual(code[word]) }
    }

    /// The index of the brace that closes the body of a declaration; nil when it has none.
    private func body(after start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < code.count {
            switch code[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return closingBrace(index)
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "\n") where depth == 0 && !goesOn(index): return nil
            default: break
            }
            if depth < 0 { return nil }
            index += 1
        }
        return nil
    }

    /// Whether a declaration goes on after the line break at `index`.
    private func goesOn(_ index: Int) -> Bool {
        let before = code[..<index].last { !isSpace($0) }
        if let before, ",>:&".utf8.contains(before) { return true }
        let after = code[index...].drop(while: isSpace)
        return ["{", "(", "->", "where ", "throws", "rethrows", "async"].contains {
            after.starts(with: $0.utf8)
        }
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
    }

    private func closingBrace(_ start: Int) -> Int? {
        var depth = 0
        for index in start..<code.count {
            if code[index] == UInt8(ascii: "{") { depth += 1 }
            if code[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}
