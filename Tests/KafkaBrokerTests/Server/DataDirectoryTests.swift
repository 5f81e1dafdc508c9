import Foundation
import Synchronization
import Testing

@testable import KafkaBroker

struct DataDirectoryTests {
    @Test(arguments: [BrokerError.Kind.locked, .newerFormat])
    func `a directory that is refused closes no file of another thread`(
        reason: BrokerError.Kind
    ) throws {
        let url = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: url) }
        let holder = reason == .locked ? try DataDirectory(path: url.path) : nil
        if reason == .newerFormat {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            try Data("99\n".utf8).write(to: url.appendingPathComponent("format"))
        }
        let ended = Atomic<Bool>(false)
        let failures = Atomic<Int>(0)
        let done = DispatchGroup()
        for _ in 0..<2 {
            DispatchQueue.global().async(group: done) {
                while !ended.load(ordering: .relaxed) {
                    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
                    if file >= 0, close(file) != 0 { failures.add(1, ordering: .relaxed) }
                }
            }
        }
        for _ in 0..<2000 {
            let error = #expect(throws: BrokerError.self) { try DataDirectory(path: url.path) }
            #expect(error?.kind == reason)
        }
        ended.store(true, ordering: .relaxed)
        done.wait()
        #expect(failures.load(ordering: .relaxed) == 0)
        withExtendedLifetime(holder) {}
    }
}
