import Foundation

/// The files of this package, found from where this file is.
enum PackageFiles {
    /// The folder that holds Package.swift.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The paths of all files below a folder, relative to the root, in alphabetical order; empty
    /// when there is no such folder.
    static func paths(below folder: String) -> [String] {
        let start = root.appendingPathComponent(folder).path
        let found =
            FileManager.default.enumerator(atPath: start)?.compactMap { $0 as? String } ?? []
        return found.map { "\(folder)/\($0)" }.filter { !isDirectory($0) && !isGenerated($0) }
            .sorted()
    }

    /// The names in a folder, in alphabetical order.
    static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: root.appendingPathComponent(folder).path
        ).filter { !$0.hasPrefix(".") }.sorted()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let full = root.appendingPathComponent(path).path
        return FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }

    /// Every Swift file of `Sources`, `Tests` and `Fuzz`.
    static func swiftSources() throws -> [SwiftSource] { try readSources.get() }

    /// Read once for all tests.
    private static let readSources = Result {
        try ["Sources", "Tests", "Fuzz"].flatMap(paths)
            .filter { $0.hasSuffix(".swift") }
            .map { SwiftSource(path: $0, text: try text($0)) }
    }

    /// README.md, CONTRIBUTING.md and what is in `docs`, as far as they exist.
    static func documents() throws -> [Document] {
        let names = ["README.md", "CONTRIBUTING.md"].filter(exists) + paths(below: "docs")
        return try names.filter { $0.hasSuffix(".md") }
            .map { Document(path: $0, text: try text($0)) }
    }

    private static func isGenerated(_ path: String) -> Bool {
        path.split(separator: "/").contains { $0 == "__pycache__" || $0 == ".build" }
    }
}
