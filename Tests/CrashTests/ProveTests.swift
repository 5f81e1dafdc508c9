import Foundation
import Testing

/// `freshet prove` itself: what it says of a stream that it disturbs, and what it leaves behind.
@Suite(.serialized) struct ProveTests {
    /// The processes whose command line names a folder.
    private func processes(naming folder: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { Int($0) != nil }.filter { process in
            let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return String(decoding: line, as: UTF8.self).contains(folder)
        }
    }

    /// Whether a process has arranged to end with its parent: its standard input is asynchronous.
    private func hasLifeline(_ process: String) -> Bool {
        let text = FileManager.default.contents(atPath: "/proc/\(process)/fdinfo/0") ?? Data()
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("flags:") }
        let flags = line?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0, radix: 8) }
        return (flags ?? 0) & Int(O_ASYNC) != 0
    }

    @Test func `a stream in three partitions comes through kills of every process`() throws {
        let installation = try Installation()
        try installation.start(
            "prove",
            ["prove", "--kills", "12", "--seed", "3", "--partitions", "3"]
                + ["--directory", "\(installation.folder)/run"],
            isWhole: true
        )
        #expect(installation.finish("prove") == 0, "\(installation.log("prove"))")
    }

    @Test func `its processes end with it when it is killed, even while they are paused`() throws {
        let installation = try Installation()
        let folder = "\(installation.folder)/run"
        try installation.start(
            "prove",
            ["prove", "--kills", "1000", "--seed", "1", "--directory", folder],
            isWhole: true
        )
        // Broker, trainer, two scorers and the proof itself.
        try wait("all processes (\(installation.log("prove")))") {
            processes(naming: folder).count >= 5
        }
        // The proof is stopped first, or it might start another; and one that is stopped before it
        // holds on to its parent stays for ever.
        let proof = installation.identifier("prove")
        kill(Int32(proof) ?? 0, SIGSTOP)
        try wait("all processes to hold on to their parent") {
            let others = processes(naming: folder).filter { $0 != proof }
            for process in others { kill(Int32(process) ?? 0, SIGCONT) }
            return others.allSatisfy(hasLifeline)
        }
        for process in processes(naming: folder) where process != proof {
            kill(Int32(process) ?? 0, SIGSTOP)
        }
        installation.kill9("prove")
        try wait("its processes to end") { processes(naming: folder).isEmpty }
    }
}
