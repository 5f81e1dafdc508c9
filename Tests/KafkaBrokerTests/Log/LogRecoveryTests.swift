import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// What is left after crashes and damage.
struct LogRecoveryTests {
    private static let small = LogSettings(segmentByteCount: 3000)

    /// A log with some segments, closed or as a crash leaves it, and what is in it.
    private func written(
        _ count: Int = 60,
        isClean: Bool = false
    ) throws -> (LogScratch, [StoredBatch]) {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch, Self.small)
        for seed in 0..<count {
            let acks: Int16 = seed % 5 == 0 || seed == count - 1 ? -1 : 1
            try log.append(Sample.batch(seed % 3 + 1, valueByteCount: 60, seed: seed), acks: acks)
        }
        let stored = try log.allBatches()
        if isClean {
            #expect(log.directory.close())
            return (scratch, stored)
        }
        return (try LogScratch(copyOf: scratch), stored)
    }

    @Test func `everything written is there after a crash`() throws {
        let (scratch, stored) = try written()
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        #expect(try log.holds(stored))
        #expect(log.reports.isEmpty)
        let end = try #require(stored.last).header.nextOffset
        #expect(try log.append(Sample.batch()).get().baseOffset == end)
    }

    @Test func `nothing is checked after a clean stop`() throws {
        let (scratch, stored) = try written(isClean: true)
        // A start that looked at it would find this damage, which only a full check does.
        let file = try #require(try scratch.files(".log").first)
        try flip(file, at: 200)
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        #expect(log.partition.offsets.highWatermark == stored.last?.header.nextOffset)
        #expect(log.reports.isEmpty)
        log.directory.close()
        let checked = try OpenLog(scratch, Self.small, epoch: 3) { $0.checksEverything = true }
        #expect(checked.reports.count == 1)
    }

    @Test func `opening and closing again and again changes nothing`() throws {
        let (scratch, stored) = try written(isClean: true)
        for epoch: Int32 in 2..<6 {
            let log = try OpenLog(scratch, Self.small, epoch: epoch)
            #expect(try log.holds(stored))
            #expect(log.directory.close())
        }
    }

    @Test func `an unfinished batch at the end is cut off`() throws {
        let (scratch, stored) = try written()
        let file = try #require(try scratch.files(".log").last)
        let sound = try Data(contentsOf: file).count
        let torn = Sample.changing(Sample.batch(5)) {
            $0.baseOffset = stored.last?.header.nextOffset ?? 0
        }
        try append(torn.dropLast(3), to: file)
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        #expect(try log.holds(stored))
        #expect(log.cutByteCounts == [torn.count - 3])
        #expect(try Data(contentsOf: file).count == sound)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path) == ["t"])
    }

    @Test func `a segment begun at the recovery point is checked from its start`() throws {
        let scratch = try LogScratch()
        let full = try OpenLog(scratch, Self.small)
        try full.append(Sample.batch(valueByteCount: 2500))
        full.directory.close()
        let next = try OpenLog(scratch, Self.small, epoch: 2)
        try next.append(Sample.batch(valueByteCount: 600))
        let sound = try LogScratch(copyOf: scratch)
        let damaged = try LogScratch(copyOf: scratch)
        let log = try OpenLog(sound, Self.small, epoch: 3)
        #expect(try log.end(ofEpoch: 1) == EpochEnd(epoch: 1, endOffset: 1))
        let files = try damaged.files(".log")
        #expect(files.count == 2)
        try flip(files[1], at: 200)
        let repaired = try OpenLog(damaged, Self.small, epoch: 3)
        #expect(repaired.reports.count == 1)
        #expect(repaired.partition.offsets.highWatermark == 1)
    }

    @Test(arguments: [1, 60, 61, 4096])
    func `zeros at the end are cut off`(_ count: Int) throws {
        let (scratch, stored) = try written()
        let file = try #require(try scratch.files(".log").last)
        try append([UInt8](repeating: 0, count: count), to: file)
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        #expect(try log.holds(stored))
        #expect(log.cutByteCounts == [count])
    }

    @Test func `what follows damage in the middle goes to quarantine`() throws {
        let (scratch, stored) = try written()
        try removeCheckpoint(scratch)
        let file = try #require(try scratch.files(".log").last)
        let before = try Data(contentsOf: file)
        let base = try #require(LogSegment.offset(ofFile: file.lastPathComponent, ending: ".log"))
        let inFile = stored.filter { $0.header.baseOffset >= base }
        try flip(file, at: inFile[0].bytes.count + 70)
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        let sound = stored.filter { $0.header.baseOffset <= base }
        #expect(try log.holds(sound))
        let count = before.count - inFile[0].bytes.count
        #expect(log.cutByteCounts == [count])
        let path = try #require(log.quarantine)
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        let kept = try Data(contentsOf: URL(fileURLWithPath: path + "/" + (names.first ?? "")))
        #expect(kept.count == count)
        let next = try log.append(Sample.batch()).get().baseOffset
        #expect(next == sound.last?.header.nextOffset)
    }

    @Test func `damage in a closed segment moves the later segments to quarantine`() throws {
        let (scratch, stored) = try written()
        try removeCheckpoint(scratch)
        let files = try scratch.files(".log")
        try #require(files.count > 3)
        try flip(files[1], at: 5)  // In the first base offset.
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        let base = try #require(
            LogSegment.offset(ofFile: files[1].lastPathComponent, ending: ".log")
        )
        #expect(try log.holds(stored.filter { $0.header.baseOffset < base }))
        let path = try #require(log.quarantine)
        let moved = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(moved.count == files.count - 1)
        #expect(log.directory.close())
        let again = try OpenLog(scratch, Self.small, epoch: 3)
        #expect(again.reports.isEmpty)
    }

    @Test func `segments that overlap are put aside`() throws {
        let (scratch, stored) = try written()
        try removeCheckpoint(scratch)
        let files = try scratch.files(".log")
        let base = try #require(
            LogSegment.offset(ofFile: files[2].lastPathComponent, ending: ".log")
        )
        let name = LogSegment.name(base - 1) + ".log"
        let overlapping = files[2].deletingLastPathComponent().appendingPathComponent(name)
        try FileManager.default.moveItem(at: files[2], to: overlapping)
        let sound = stored.filter { $0.header.baseOffset < base }
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        #expect(try log.holds(sound))
        #expect(log.reports.count == 1 && log.quarantine != nil)
        #expect(try log.append(Sample.batch()).get().baseOffset == base)
        log.directory.close()
        let again = try OpenLog(scratch, Self.small, epoch: 3)
        #expect(again.partition.offsets.highWatermark == base + 1)
        #expect(again.reports.isEmpty)
    }

    @Test func `a segment that is gone is told, and those after it are read on`() throws {
        let (scratch, stored) = try written()
        let files = try scratch.files(".log")
        let gone = try LogSegment.range(of: files, at: 1)
        try FileManager.default.removeItem(at: files[1])
        try removeCheckpoint(scratch)
        let log = try OpenLog(scratch, Self.small, epoch: 2)
        #expect(log.reports.count == 1)
        #expect(log.reports.first?.contains("missing=\(gone.lowerBound)...") == true)
        #expect(try log.holds(stored.filter { !gone.contains($0.header.baseOffset) }))
        let end = try #require(stored.last).header.nextOffset
        #expect(try log.append(Sample.batch()).get().baseOffset == end)
    }

    @Test func `lost and damaged indexes, snapshots and checkpoints are rebuilt`() throws {
        for ending in [".idx", ".snap", "checkpoint"] {
            for isClean in [true, false] {
                for isDamaged in [true, false] {
                    let (scratch, stored) = try written(isClean: isClean)
                    for file in try scratch.files(ending) {
                        if isDamaged {
                            try flip(file, at: 12)
                        } else {
                            try FileManager.default.removeItem(at: file)
                        }
                    }
                    let log = try OpenLog(scratch, Self.small, epoch: 2)
                    #expect(try log.holds(stored), "\(ending)")
                    #expect(log.reports.allSatisfy { $0.hasPrefix("a snapshot of producers is") })
                    #expect(log.reports.isEmpty || (isDamaged && ending == ".snap"))
                    let middle = stored[stored.count / 2].header
                    #expect(
                        try log.batches(middle.baseOffset, maxByteCount: 1).first?.header == middle
                    )
                }
            }
        }
    }

    @Test func `a snapshot of batches that are gone is not believed later`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        for sequence: Int32 in 0..<4 {
            _ = try log.append(Sample.idempotent(9, sequence: sequence)).get()
        }
        log.directory.close()
        // The disk forgets the last two batches, though not the snapshot after them.
        let file = try #require(try scratch.files(".log").last)
        let size = try Data(contentsOf: file).count
        try truncate(file, to: size / 2)
        let second = try OpenLog(scratch, epoch: 2)
        #expect(second.partition.offsets.highWatermark == 2)
        #expect(try second.append(Sample.idempotent(9, sequence: 2)).get().baseOffset == 2)
        #expect(try second.append(Sample.idempotent(9, sequence: 3)).get().baseOffset == 3)
    }

    @Test func `epochs are known after a crash`() throws {
        let scratch = try LogScratch()
        for epoch: Int32 in [2, 5, 6, 9] {
            let log = try OpenLog(scratch, Self.small, epoch: epoch)
            for seed in 0..<(epoch == 6 ? 0 : 30) {
                try log.append(Sample.batch(valueByteCount: 60, seed: seed))
            }
            log.directory.close()
        }
        for isClean in [true, false] {
            if !isClean { try removeCheckpoint(scratch) }
            let log = try OpenLog(scratch, Self.small, epoch: 11)
            #expect(try log.end(ofEpoch: 12) == EpochEnd(epoch: -1, endOffset: -1))
            #expect(try log.end(ofEpoch: 11) == EpochEnd(epoch: 11, endOffset: 90))
            #expect(try log.end(ofEpoch: 10) == EpochEnd(epoch: 9, endOffset: 90))
            #expect(try log.end(ofEpoch: 9) == EpochEnd(epoch: 9, endOffset: 90))
            #expect(try log.end(ofEpoch: 6) == EpochEnd(epoch: 5, endOffset: 60))
            #expect(try log.end(ofEpoch: 2) == EpochEnd(epoch: 2, endOffset: 30))
            #expect(try log.end(ofEpoch: 1) == EpochEnd(epoch: 1, endOffset: 0))
            log.directory.close()
        }
    }

    @Test func `any point of a crash leaves a prefix of what was written`() throws {
        let (scratch, stored) = try written(40)
        let files = try scratch.files(".log")
        let sizes = try files.map { try Data(contentsOf: $0).count }
        var random = SplitMix64(state: 2026)
        for _ in 0..<200 {
            let crashed = try LogScratch(copyOf: scratch)
            try removeCheckpoint(crashed)
            let kept = Int(random.next() % UInt64(sizes.reduce(0, +) + 1))
            let expected = try cut(crashed, sizes, kept, &random, stored)
            let log = try OpenLog(crashed, Self.small, epoch: 2)
            #expect(try log.holds(expected), "cut after \(kept) bytes")
            let end = expected.last?.header.nextOffset ?? 0
            #expect(try log.append(Sample.batch(), acks: 1).get().baseOffset == end)
        }
    }

    /// Keeps so many bytes of the log; sometimes leaves rubbish after them.
    private func cut(
        _ scratch: LogScratch,
        _ sizes: [Int],
        _ kept: Int,
        _ random: inout SplitMix64,
        _ stored: [StoredBatch]
    ) throws -> [StoredBatch] {
        var rest = kept
        for (file, size) in zip(try scratch.files(".log"), sizes) {
            if rest <= 0 {
                try FileManager.default.removeItem(at: file)
            } else if rest < size {
                try truncate(file, to: rest)
                if random.next() % 3 == 0 {
                    try append(
                        (0..<random.next() % 90).map { _ in UInt8(random.next() % 256) },
                        to: file
                    )
                }
            }
            rest -= size
        }
        var end = 0
        return stored.prefix { batch in
            end += batch.bytes.count
            return end <= kept
        }
    }

    @Test func `files that deleted topics left behind are removed`() throws {
        let scratch = try LogScratch()
        let log = try OpenLog(scratch)
        try log.append(Sample.batch())
        log.directory.close()
        let topic = scratch.url.appendingPathComponent(
            "t/\(PartitionID.directoryName(OpenLog.topic))"
        )
        try FileManager.default.moveItem(
            at: topic,
            to: topic.deletingLastPathComponent().appendingPathComponent("abc.deleted")
        )
        let second = try OpenLog(scratch, epoch: 2)
        #expect(second.partition.offsets.highWatermark == 0)
        let names = try FileManager.default.contentsOfDirectory(
            atPath: scratch.url.appendingPathComponent("t").path
        )
        #expect(names == [PartitionID.directoryName(OpenLog.topic)])
    }

    private func removeCheckpoint(_ scratch: LogScratch) throws {
        for file in try scratch.files("checkpoint") { try FileManager.default.removeItem(at: file) }
    }

    private func flip(_ file: URL, at position: Int) throws {
        var data = try Data(contentsOf: file)
        try #require(position < data.count)
        data[position] ^= 0x10
        try data.write(to: file)
    }

    private func append(_ bytes: some Sequence<UInt8>, to file: URL) throws {
        try (Data(contentsOf: file) + Data(bytes)).write(to: file)
    }

    private func truncate(_ file: URL, to byteCount: Int) throws {
        try Data(contentsOf: file).prefix(byteCount).write(to: file)
    }
}

extension LogSegment {
    /// The offsets of one of some segments, up to the next.
    fileprivate static func range(of files: [URL], at index: Int) throws -> Range<Int64> {
        let bases = files.compactMap { offset(ofFile: $0.lastPathComponent, ending: ".log") }
        try #require(index + 1 < bases.count)
        return bases[index]..<bases[index + 1]
    }
}

extension OpenLog {
    /// How many bytes the reports say were cut off.
    fileprivate var cutByteCounts: [Int] {
        reports.compactMap { $0.firstMatch(of: /bytes=(\d+)/).flatMap { Int($0.1) } }
    }

    /// The directory in quarantine that the first report names.
    fileprivate var quarantine: String? {
        reports.first?.firstMatch(of: /quarantine=(\S+)/).map { String($0.1) }
    }
}
