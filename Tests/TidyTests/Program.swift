import Foundation

/// Other programs that the checks ask.
enum Program {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The standard output of a program found on PATH or named by its path; throws when it fails.
    static func output(of name: String, _ arguments: String...) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let command = ([name] + arguments).joined(separator: " ")
            throw Failure(description: "\(command) ended with \(process.terminationStatus)")
        }
        return output
    }

    /// The `freshet` that was built together with these tests: it lies beside them.
    static func freshet() throws -> String {
        let besideTests = Bundle.main.executableURL?.deletingLastPathComponent()
        let folders = [besideTests, PackageFiles.root.appendingPathComponent(".build/debug")]
        let paths = folders.compactMap { $0?.appendingPathComponent("freshet").path }
        guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
            throw Failure(description: "no freshet in \(paths): build it with swift build")
        }
        return path
    }
}
