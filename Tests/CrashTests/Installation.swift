import Foundation
import Learning
import ModelStore
import Pipeline
import Recommendation

/// The program's processes in a folder of their own, to be killed and started again.
///
/// Owned by one test.
final class Installation {
    let folder: String
    private(set) var address = ""
    private var processes: [String: Process] = [:]
    private static let program = builtProgram()

    init() throws {
        folder = NSTemporaryDirectory() + "crash-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
    }

    deinit {
        for process in processes.values where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    var store: String { "\(folder)/store" }

    /// Starts the broker, at the port that it had before if it ran before.
    func startBroker() throws {
        let port = address.isEmpty ? "0" : String(address.split(separator: ":")[1])
        let output = Pipe()
        _ = try start(
            "broker",
            ["broker", "--data", "\(folder)/broker", "--port", port],
            output: output
        )
        var line = Data()
        while !line.contains(10) {
            let byte = output.fileHandleForReading.readData(ofLength: 1)
            guard !byte.isEmpty else { throw Failure("the broker ended: \(log("broker"))") }
            line += byte
        }
        address = String(decoding: line.dropLast(), as: UTF8.self)
    }

    /// Starts the trainer or the scorer, or sends events, under a name.
    ///
    /// `isWhole` arguments say themselves where broker and store are.
    func start(
        _ name: String,
        _ arguments: [String],
        store: String? = nil,
        isWhole: Bool = false
    ) throws {
        _ = try start(name, arguments + (isWhole ? [] : common(store)), output: nil)
    }

    /// Copies a folder in another process: closing a database's file here would end the locks that
    /// SQLite holds on it for this one.
    func copy(_ folder: String, to target: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/cp")
        process.arguments = ["-r", folder, target]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure("\(folder) was not copied") }
    }

    /// Stops a process where it is, until `resume`.
    func pause(_ name: String) { signal(name, SIGSTOP) }

    /// Lets a paused process go on.
    func resume(_ name: String) { signal(name, SIGCONT) }

    private func signal(_ name: String, _ number: Int32) {
        guard let process = processes[name], process.isRunning else { return }
        kill(process.processIdentifier, number)
    }

    /// Runs a command to its end and returns its standard output.
    func run(_ arguments: [String]) throws -> String {
        let output = Pipe()
        let process = try start("command", arguments + common(nil), output: output)
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("\(arguments) ended with \(process.terminationStatus): \(log("command"))")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Ends a process as a power failure would.
    func kill9(_ name: String) {
        guard let process = processes[name], process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks a process to end, waits until it has, and returns its exit status.
    func stop(_ name: String) -> Int32 {
        guard let process = processes[name] else { return -1 }
        if process.isRunning { kill(process.processIdentifier, SIGTERM) }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Waits for a process to end by itself and returns its exit status.
    func finish(_ name: String) -> Int32 {
        processes[name]?.waitUntilExit()
        return processes[name]?.terminationStatus ?? -1
    }

    /// The process's number, as /proc has it.
    func identifier(_ name: String) -> String {
        String(processes[name]?.processIdentifier ?? 0)
    }

    func isRunning(_ name: String) -> Bool { processes[name]?.isRunning ?? false }

    /// What a process wrote to standard error.
    func log(_ name: String) -> String {
        (try? String(contentsOfFile: "\(folder)/\(name).log", encoding: .utf8)) ?? ""
    }

    private func common(_ other: String?) -> [String] {
        ["--bootstrap", address, "--store", other ?? store]
    }

    private func start(_ name: String, _ arguments: [String], output: Pipe?) throws -> Process {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let path = "\(folder)/\(name).log"
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let errors = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try errors.seekToEnd()
        process.standardError = errors
        process.standardOutput = output ?? FileHandle.nullDevice
        try process.run()
        processes[name] = process
        return process
    }

    /// `freshet` as it was built for these tests, beside their bundle.
    private static func builtProgram() -> URL {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
        let folder =
            bundle?.bundleURL.deletingLastPathComponent()
            ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return folder.appendingPathComponent("freshet")
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Waits for a condition with a deadline.
func wait(_ what: String, seconds: Double = 120, until isTrue: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !isTrue() {
        guard ContinuousClock.now < deadline else { throw Failure("waited in vain for \(what)") }
        Thread.sleep(forTimeInterval: 0.02)
    }
}

/// The bytes of a version's whole state, whatever files they are in.
func state(of version: ModelVersion, in store: ModelStore) throws -> [[UInt8]] {
    let settings = try JSONDecoder().decode(
        RecommenderSettings.self,
        from: Data(version.settings.utf8)
    )
    let model = try TrainedModel<ImplicitRecommender>(
        try store.chain(of: version),
        of: store,
        settings: settings,
        duplicateWindow: nil
    )
    return Safetensors.encode(model.encode())
}
