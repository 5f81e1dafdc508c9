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
        for process in processes(naming: folder) where process != installation.identifier("prove") {
            kill(Int32(process) ?? 0, SIGSTOP)
        }
        installation.kill9("prove")
        try wait("its processes to end") { processes(naming: folder).isEmpty }
    }
}
