import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// A data directory that a broker has left, and what is found in it.
private final class Scene {
    let directory = TestDirectory()
    /// The directory of partition 0 of topic `t`.
    private(set) var log = ""

    /// Has a broker write three batches into two segments of topic `t`, and stop.
    ///
    /// Each batch has two records. The directory of a killed broker is a copy made before it stops.
    static func make(
        isKilled: Bool = false,
        compression: RecordBatchHeader.Compression = .none
    ) async throws -> Scene {
        let scene = Scene()
        let running = isKilled ? TestDirectory() : scene.directory
        var settings = BrokerSettings(dataDirectory: running.url.path)
        settings.port = 0
        let broker = try await Broker.start(settings, logger: quietLogger)
        let client = try RawClient(port: broker.port)
        let batches = (0..<3).map { (index: Int32) in
            Sample.batch(2, compression: compression) { header in
                header.producerID = 4
                header.producerEpoch = 0
                header.baseSequence = index * 2
            }
        }
        // Two of the batches fit into a segment.
        let id = try client.createTopic(
            configs: ["segment.bytes": "\(batches[0].count * 2)"]
        )
        for batch in batches { #expect(try client.produce(batch).errorCode() == .none) }
        if isKilled {
            let checkpoint = "\(running.url.path)/t/\(PartitionID.directoryName(id))/0/checkpoint"
            let deadline = ContinuousClock.now + .seconds(120)
            while FileSystem.byteCount(of: checkpoint) == nil, ContinuousClock.now < deadline {}
            try FileManager.default.copyItem(at: running.url, to: scene.directory.url)
        }
        await broker.shutdown()
        scene.log = scene.path("t/\(PartitionID.directoryName(id))/0")
        return scene
    }

    func path(_ name: String) -> String { directory.url.path + "/" + name }

    /// The path of a segment's file.
    func segment(_ offset: Int64, _ ending: String = ".log") -> String {
        log + "/" + LogSegment.name(offset) + ending
    }

    func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Checks the directory; returns what was found, without notices.
    @discardableResult
    func check(
        _ examine: (DataCheck.Summary) throws -> Void = { _ in }
    ) throws -> [DataCheck.Finding] {
        var findings: [DataCheck.Finding] = []
        let check = try DataCheck(directory.url.path) { findings.append($0) }
        try check.run()
        try examine(check.summary)
        #expect(check.summary.damageCount == findings.count { $0.severity == .damage })
        return findings.filter { $0.severity != .notice }
    }

    /// Every file with its bytes.
    func contents() throws -> [String: Data] {
        let names = try #require(FileManager.default.enumerator(atPath: directory.url.path))
        var contents: [String: Data] = [:]
        for case let name as String in names {
            contents[name] = try? Data(contentsOf: URL(fileURLWithPath: path(name)))
        }
        return contents
    }
}

struct DataCheckTests {
    @Test(arguments: [false, true])
    func `a sound directory is found sound, and is left as it was`(_ isKilled: Bool) async throws {
        let scene = try await Scene.make(isKilled: isKilled)
        let before = try scene.contents()
        let findings = try scene.check { summary in
            var expected = DataCheck.Summary()
            expected.wasClosedCleanly = !isKilled
            expected.topicCount = 1
            expected.partitionCount = 1
            expected.segmentCount = 2
            expected.batchCount = 3
            expected.recordCount = 6
            expected.byteCount = 3 * Sample.batch(2).count
            #expect(summary == expected)
        }
        #expect(findings.filter { $0.severity == .damage } == [])
        if !isKilled { #expect(findings == []) }
        #expect(try scene.contents() == before)
    }

    @Test func `every changed byte of a log is found, wherever it is`() async throws {
        let scene = try await Scene.make()
        for base: Int64 in [0, 4] {
            let path = scene.segment(base)
            let sound = try scene.read(path)
            for position in sound.indices {
                var bytes = sound
                bytes[position] ^= 1 << UInt8(position % 8)
                try scene.write(bytes, path)
                let findings = try scene.check()
                #expect(
                    findings.contains { $0.severity == .damage },
                    "byte \(position) of \(base)"
                )
            }
            try scene.write(sound, path)
        }
        #expect(try scene.check() == [])
    }

    @Test func `damage is told with file and byte, and what follows it is read all the same`()
        async throws
    {
        let scene = try await Scene.make()
        let path = scene.segment(0)
        var bytes = try scene.read(path)
        bytes[70] ^= 0xFF
        try scene.write(bytes, path)
        var later = try scene.read(scene.segment(4))
        later[later.count - 1] ^= 0xFF
        try scene.write(later, scene.segment(4))
        let findings = try scene.check { #expect($0.batchCount == 3) }
        #expect(findings.map(\.path) == [path, scene.segment(4)])
        #expect(findings.map(\.position) == [0, 0])
        #expect(findings[0].problem == "the checksum of offsets 0 to 1 is wrong (t-0)")
        #expect(findings[1].problem == "the checksum of offsets 4 to 5 is wrong (t-0)")
    }

    @Test(arguments: RecordBatchHeader.Compression.allCases)
    func `records that are not what their sound header says are found`(
        _ compression: RecordBatchHeader.Compression
    ) async throws {
        let scene = try await Scene.make(compression: compression)
        let path = scene.segment(0)
        let sound = try scene.read(path)
        let first = Sample.changing(Array(sound[..<(sound.count / 2)])) { header in
            header.recordCount = 3
            header.lastOffsetDelta = 2
        }
        try scene.write(first + sound[first.count...], path)
        let findings = try scene.check()
        #expect(findings.first?.position == 0)
        #expect(findings.first?.problem.contains("record 2 is damaged") == true)
    }

    @Test func `an unfinished end is no damage after a kill, and is after a clean stop`()
        async throws
    {
        for isKilled in [true, false] {
            let scene = try await Scene.make(isKilled: isKilled)
            let path = scene.segment(4)
            let sound = try scene.read(path)
            for count in [1, 30, 61, sound.count - 1] {
                try scene.write(sound + sound[..<count], path)
                let finding = try #require(try scene.check().first { $0.path == path })
                #expect(finding.severity == (isKilled ? .unfinished : .damage))
                #expect(finding.position == sound.count)
            }
            // A whole batch after half of one was not being written when the broker was killed.
            let next = Sample.changing(sound) { $0.baseOffset = 6 }
            try scene.write(sound + sound[..<30] + next, path)
            #expect(try scene.check().contains { $0.severity == .damage })
        }
    }

    @Test func `a log that ends before what was on stable storage is damage, also after a kill`()
        async throws
    {
        let scene = try await Scene.make(isKilled: true)
        // The first segment is complete and synced.
        let bytes = try scene.read(scene.segment(0))
        try scene.write(Array(bytes.dropLast(10)), scene.segment(0))
        try FileManager.default.removeItem(atPath: scene.segment(4))
        let findings = try scene.check()
        #expect(findings.contains { $0.severity == .damage && $0.path == scene.segment(0) })
    }

    @Test func `missing and damaged files are found`() async throws {
        let scene = try await Scene.make()
        let files = FileManager.default
        for path in [
            scene.segment(0), scene.segment(4), scene.segment(0, ".idx"), scene.segment(4, ".idx"),
            scene.log + "/checkpoint", scene.path("meta.sqlite"),
        ] {
            let bytes = try scene.read(path)
            try files.removeItem(atPath: path)
            #expect(try scene.check().contains { $0.severity == .damage }, "without \(path)")
            if path.hasSuffix(".idx") || path.hasSuffix("checkpoint") {
                for position in stride(from: 0, to: min(bytes.count, 100), by: 7) {
                    var changed = bytes
                    changed[position] ^= 0x55
                    try scene.write(changed, path)
                    let isFound = try scene.check().contains { $0.severity == .damage }
                    #expect(isFound, "byte \(position) of \(path)")
                }
            }
            try scene.write(bytes, path)
        }
        #expect(try scene.check() == [])
        let snapshot = scene.segment(6, ".snap")
        let bytes = try scene.read(snapshot)
        try scene.write(bytes.dropLast(), snapshot)
        #expect(try scene.check().map(\.path) == [snapshot])
    }

    @Test func `a missing partition is no damage after a kill, and is after a clean stop`()
        async throws
    {
        for isKilled in [true, false] {
            let scene = try await Scene.make(isKilled: isKilled)
            try FileManager.default.removeItem(atPath: scene.log)
            let findings = try scene.check()
            #expect(findings.map(\.path) == [scene.log])
            #expect(findings.map(\.severity) == [isKilled ? .unfinished : .damage])
        }
    }

    @Test func `a start that checks everything puts what follows damage into quarantine`()
        async throws
    {
        let scene = try await Scene.make()
        var bytes = try scene.read(scene.segment(0))
        bytes[bytes.count - 1] ^= 1
        try scene.write(bytes, scene.segment(0))
        var settings = BrokerSettings(dataDirectory: scene.directory.url.path)
        settings.port = 0
        for checksEverything in [false, true] {
            settings.checksEverything = checksEverything
            await (try Broker.start(settings, logger: quietLogger)).shutdown()
            let findings = try scene.check { #expect($0.recordCount == (checksEverything ? 2 : 6)) }
            #expect(findings.isEmpty == checksEverything)
        }
        #expect(FileManager.default.fileExists(atPath: scene.path("quarantine")))
    }

    @Test func `metadata that SQLite finds damaged is told`() async throws {
        let scene = try await Scene.make()
        let path = scene.path("meta.sqlite")
        var bytes = try scene.read(path)
        for index in 4096..<min(bytes.count, 20_000) { bytes[index] = 0xAA }
        try scene.write(bytes, path)
        let segment = scene.segment(0)
        try scene.write(scene.read(segment).map { ~$0 }, segment)
        // The logs are read all the same.
        let findings = try scene.check { #expect($0.segmentCount == 2) }
        #expect(findings.contains { $0.severity == .damage && $0.path == path })
        #expect(findings.contains { $0.severity == .damage && $0.path == segment })
    }

    @Test func `whatever a byte of the metadata is changed to, the check comes to its end`()
        async throws
    {
        let scene = try await Scene.make()
        let path = scene.path("meta.sqlite")
        let sound = try scene.read(path)
        for position in stride(from: 0, to: sound.count, by: 499) {
            var bytes = sound
            bytes[position] = ~bytes[position]
            try scene.write(bytes, path)
            try scene.check()
        }
        try scene.write(sound, path)
        #expect(try scene.check() == [])
    }

    @Test func `logs without a topic and partitions beyond its number are found`() async throws {
        let scene = try await Scene.make()
        let files = FileManager.default
        for (name, severity) in [
            ("t/00112233445566778899aabbccddeeff", DataCheck.Finding.Severity.damage),
            (String(scene.log.dropFirst(scene.path("").count).dropLast()) + "7", .damage),
            ("t/00112233445566778899aabbccddeeff.deleted", .unfinished),
        ] {
            try files.createDirectory(
                atPath: scene.path(name),
                withIntermediateDirectories: false
            )
            #expect(try scene.check().map(\.path) == [scene.path(name)])
            #expect(try scene.check().map(\.severity) == [severity])
            try files.removeItem(atPath: scene.path(name))
        }
    }

    @Test func `a directory in use, or of something else, is left alone`() async throws {
        try await withBroker { _, settings in
            #expect {
                try DataCheck(settings.dataDirectory) { _ in }
            } throws: { ($0 as? BrokerError)?.kind == .locked }
        }
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        #expect(throws: BrokerError.self) { try DataCheck(directory.path) { _ in } }
        #expect(!FileManager.default.fileExists(atPath: directory.path))
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        #expect(throws: BrokerError.self) { try DataCheck(directory.path) { _ in } }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
    }
}
