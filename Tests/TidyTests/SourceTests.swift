import Testing

/// Limits on files and functions, and words that do not belong in them.
@Suite struct SourceTests {
    private static let maximumFileLineCount = 400
    private static let maximumFunctionLineCount = 60

    @Test func `a file has at most 400 lines`() throws {
        for source in try PackageFiles.swiftSources() {
            let count = source.lineCount
            #expect(
                count <= Self.maximumFileLineCount,
                "\(source.path) has \(count) lines: split it by subject"
            )
        }
    }

    @Test func `a function has at most 60 lines`() throws {
        for source in try PackageFiles.swiftSources() {
            for function in source.functions {
                let count = function.lineCount
                #expect(
                    count <= Self.maximumFunctionLineCount,
                    "\(source.path):\(function.line) has \(count) lines: give parts of it a name"
                )
            }
        }
    }

    @Test func `nothing is left to be done later`() throws {
        // Written in two halves, so that this file does not find itself.
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
        let endings = [".swift", ".c", ".h", ".py", ".sh", ".yaml", ".md"]
        let folders = [
            "Sources", "Tests", "Fuzz", "Examples", "Benchmarks", "config", "topics", "docs",
        ]
        let paths = folders.flatMap { PackageFiles.paths(below: $0) }
            .filter { path in endings.contains { path.hasSuffix($0) } }
        for path in paths + ["Package.swift", "Makefile", ".ci/run"] {
            for (index, line) in try PackageFiles.text(path).split(
                separator: "\n",
                omittingEmptySubsequences: false
            ).enumerated() {
                let found = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                    .first { words.contains(String($0)) }
                #expect(found == nil, "\(path):\(index + 1): do it, or open an issue")
            }
        }
    }

    @Test func `what traps has its reason beside it`() throws {
        for source in try PackageFiles.swiftSources() {
            for (index, code) in source.codeLines.enumerated() where Self.canTrap(code) {
                // Two lines above: before the `guard` that a trap belongs to.
                let nearby = source.lines[max(0, index - 2)...index]
                let isExplained = nearby.contains { $0.contains("// ") }
                #expect(
                    isExplained,
                    "\(source.path):\(index + 1): say in a comment why this cannot happen"
                )
            }
        }
    }

    @Test func `a file is named for what it is`() throws {
        let vague: Set = [
            "Util", "Utils", "Utility", "Utilities", "Helper", "Helpers", "Manager", "Misc",
            "Legacy",
        ]
        let paths = PackageFiles.paths(below: "Sources") + PackageFiles.paths(below: "Tests")
        for path in paths where path.hasSuffix(".swift") {
            let name = path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
            let words = name.matches(of: /[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/).map { String($0.0) }
            #expect(vague.isDisjoint(with: words), "\(path): name its type or subject")
            #expect(
                name == "main" || name.first?.isUppercase == true,
                "\(path): name it as its type, Type.swift or Type+Subject.swift"
            )
        }
    }

    @Test func `the check for traps sees them`() {
        #expect(Self.canTrap("let a = try! f()"))
        #expect(Self.canTrap("b as! Int"))
        #expect(Self.canTrap("fatalError( )"))
        #expect(!Self.canTrap("let a = try? f() as? Int"))
        #expect(!Self.canTrap("if let error = fatalError(of: client) {"))
    }

    private static func canTrap(_ code: String) -> Bool {
        // A function of ours may share the name, but has labels: `fatalError(of: client)`.
        code.contains(/\btry!|\bas!|\bfatalError\((?![a-z])/)
    }
}
