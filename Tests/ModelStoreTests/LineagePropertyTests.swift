import Testing

@testable import ModelStore

/// Random histories, and what a slow and plain account of them says.
@Suite struct LineagePropertyTests {
    /// One learned offset, and the users that were left out when it was learned.
    private struct Learned: Hashable {
        var partition: Int32
        var offset: Int64
        var withoutUsers: Set<String> = []
    }

    private struct PlainBranch {
        var before: [Learned]
        var start: Int
    }

    /// The account: every list in full, nothing computed from anything else.
    private struct Plain {
        var journal: [Learned] = []
        var next: [Int32: Int64] = [:]
        var branches: [Int64: PlainBranch] = [:]
        var versions: [Int64: [Learned]] = [:]
        var current: Int64

        func learned(_ branch: Int64, upTo end: Int) -> [Learned] {
            guard let branch = branches[branch] else { return [] }
            return branch.before + journal[branch.start..<end]
        }

        var learned: [Learned] { learned(current, upTo: journal.count) }
    }

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func flat(_ segments: [LineageSegment]) -> [Learned] {
        segments.flatMap { segment in
            segment.ranges.flatMap { range in
                (range.first...range.last).map {
                    Learned(
                        partition: range.partition,
                        offset: $0,
                        withoutUsers: Set(segment.withoutUsers)
                    )
                }
            }
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `what the store says was learned is what was learned`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var store = try ModelStore(directory: directory.path)
        var epoch = try store.beginEpoch(model: "taste")
        let root = try store.currentBranch(of: "taste").id
        var plain = Plain(current: root)
        plain.branches[root] = PlainBranch(before: [], start: 0)
        for _ in 0..<60 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8: try append(store, epoch, &plain, &random)
            case 8..<13: try addVersion(store, epoch, &plain, &random)
            case 13..<15:
                try rollBack(store, &plain, &random)
                epoch = try store.beginEpoch(model: "taste")
            case 15..<17:
                try rebuild(store, &plain, &random)
                epoch = try store.beginEpoch(model: "taste")
            case 17..<19:
                let policy = RetentionPolicy(newest: Int.random(in: 1...3, using: &random))
                _ = try store.prune(model: "taste", keep: policy)
            default: store = try ModelStore(directory: directory.path)
            }
            try check(store, plain)
        }
    }

    private func append(
        _ store: ModelStore,
        _ epoch: Int64,
        _ plain: inout Plain,
        _ random: inout SeededGenerator
    ) throws {
        var ranges: [OffsetRange] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let partition = Int32.random(in: 0...2, using: &random)
            let gap = Bool.random(using: &random) ? 0 : Int64.random(in: 0...3, using: &random)
            let first = plain.next[partition, default: 0] + gap
            let last = first + Int64.random(in: 0...9, using: &random)
            plain.next[partition] = last + 1
            plain.journal += (first...last).map { Learned(partition: partition, offset: $0) }
            ranges.append(range(partition, first, last))
        }
        try store.appendJournal(model: "taste", epoch: epoch, ranges: ranges)
    }

    private func addVersion(
        _ store: ModelStore,
        _ epoch: Int64,
        _ plain: inout Plain,
        _ random: inout SeededGenerator
    ) throws {
        let newest = try store.newestVersion(of: "taste")?.number
        let base = Bool.random(using: &random) ? newest : nil
        let content = "state \(plain.versions.count)"
        let version = try store.add("taste", epoch: epoch, content: content, base: base)
        plain.versions[version.number] = plain.learned
    }

    private func rollBack(
        _ store: ModelStore,
        _ plain: inout Plain,
        _ random: inout SeededGenerator
    ) throws {
        let versions = try store.versions(of: "taste").filter { !$0.isPruned }
        guard let target = versions.randomElement(using: &random) else { return }
        let branch = try store.rollback(model: "taste", to: target.number, reason: "", at: 0)
        plain.current = branch.id
        plain.branches[branch.id] = PlainBranch(
            before: plain.versions[target.number] ?? [],
            start: plain.journal.count
        )
    }

    private func rebuild(
        _ store: ModelStore,
        _ plain: inout Plain,
        _ random: inout SeededGenerator
    ) throws {
        let start = plain.branches[plain.current]?.start ?? 0
        let end = Int.random(in: start...plain.journal.count, using: &random)
        var exclusions: [Exclusion] = []
        var before = plain.learned(plain.current, upTo: end)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            if Bool.random(using: &random) {
                let user = "user \(Int.random(in: 0...3, using: &random))"
                exclusions.append(.user(saltedHash: user))
                for index in before.indices { before[index].withoutUsers.insert(user) }
            } else {
                let partition = Int32.random(in: 0...2, using: &random)
                let first = Int64.random(in: 0...60, using: &random)
                let last = first + Int64.random(in: 0...30, using: &random)
                exclusions.append(.offsets(range(partition, first, last)))
                before.removeAll {
                    $0.partition == partition && (first...last).contains($0.offset)
                }
            }
        }
        let blob = try store.writeBlob([Array("rebuilt \(plain.versions.count)".utf8)])
        let position = Int64(end)
        let new = try store.newVersion("taste", epoch: 1, blob: blob, journalPosition: position)
        let version = try store.addRebuilt(
            new,
            parent: plain.current,
            upTo: position,
            exclusions: exclusions,
            reason: "",
            at: 0
        )
        plain.current = version.branch
        plain.branches[version.branch] = PlainBranch(before: before, start: end)
        plain.versions[version.number] = before
    }

    private func check(_ store: ModelStore, _ plain: Plain) throws {
        let learned = flat(try store.lineage(of: "taste", after: nil))
        #expect(learned == plain.learned)
        let offsets = Set(learned.map { Learned(partition: $0.partition, offset: $0.offset) })
        #expect(offsets.count == learned.count, "an offset was learned twice")

        for version in try store.versions(of: "taste") {
            let expected = plain.versions[version.number] ?? []
            #expect(flat(try store.lineage(of: version)) == expected)
            let needs = try store.rebuildNeeds(of: version)
            let known = needs.from.flatMap { plain.versions[$0] } ?? []
            #expect(known == Array(expected.prefix(known.count)))
            #expect(Int(needs.offsetCount) == expected.count - known.count)
            guard !version.isPruned else { continue }
            for link in try store.chain(of: version) { try store.verify(link.blob) }
        }

        let newest = try store.newestIntact(of: "taste") { damaged in
            Issue.record("version \(damaged.version.number): \(damaged.problem)")
        }?.last
        let known = newest.flatMap { plain.versions[$0.number] } ?? []
        #expect(known + flat(try store.lineage(of: "taste", after: newest)) == plain.learned)
        #expect(
            try store.nextOffsets(of: "taste").map(\.offset)
                == plain.next.sorted { $0.key < $1.key }.map(\.value)
        )
    }
}
