import Testing

@testable import ModelStore

/// The rules on plain values, without a database.
@Suite struct LineageTests {
    private func branch(
        _ id: Int64,
        parent: Int64?,
        at parentPosition: Int64,
        start: Int64,
        version: Int64? = nil,
        without exclusions: [Exclusion] = []
    ) -> Branch {
        Branch(
            id: id,
            model: "taste",
            parent: parent,
            parentPosition: parentPosition,
            parentVersion: version,
            start: start,
            exclusions: exclusions,
            reason: "",
            createdAt: 0
        )
    }

    /// Position P holds offset P of partition P / 100, in entries of 100.
    private func entries(_ positions: Range<Int64>) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        var next = positions.lowerBound
        while next < positions.upperBound {
            let end = min(positions.upperBound, (next / 100 + 1) * 100)
            let range = range(Int32(next / 100), next, end - 1)
            entries.append(JournalEntry(position: next, epoch: 1, range: range))
            next = end
        }
        return entries
    }

    private func lineage(_ ancestry: [Branch], upTo end: Int64) throws -> [LineageSegment] {
        Lineage.segments(try Lineage.stretches(ancestry, upTo: end), entries: entries)
    }

    private let root = Branch(
        id: 1,
        model: "taste",
        parent: nil,
        parentPosition: 0,
        parentVersion: nil,
        start: 0,
        exclusions: [],
        reason: "",
        createdAt: 0
    )

    @Test func `the root has learned the journal from its beginning`() throws {
        let expected = LineageSegment(
            ranges: [range(0, 0, 99), range(1, 100, 149)],
            withoutUsers: []
        )
        #expect(try lineage([root], upTo: 150) == [expected])
        #expect(try lineage([root], upTo: 0).isEmpty)
    }

    @Test func `a rollback leaves out what was learned between`() throws {
        let back = branch(2, parent: 1, at: 50, start: 220, version: 1)
        let expected = LineageSegment(
            ranges: [range(0, 0, 49), range(2, 220, 229)],
            withoutUsers: []
        )
        #expect(try lineage([root, back], upTo: 230) == [expected])
    }

    @Test func `excluded offsets are cut out of the parent's learning only`() throws {
        let cut: [Exclusion] = [
            .offsets(range(0, 10, 19)), .offsets(range(0, 15, 24)), .offsets(range(1, 0, 109)),
            .offsets(range(1, 130, 500)), .offsets(range(7, 0, 500)),
        ]
        let built = branch(2, parent: 1, at: 140, start: 140, without: cut)
        let expected = [
            range(0, 0, 9), range(0, 25, 99), range(1, 110, 129), range(1, 140, 199),
        ]
        let segments = try lineage([root, built], upTo: 200)
        #expect(segments.map(\.ranges) == [expected])
    }

    @Test func `a forgotten user is left out of everything before, by every later branch`() throws {
        let built = branch(2, parent: 1, at: 140, start: 140, without: [.user(saltedHash: "b")])
        let back = branch(3, parent: 2, at: 160, start: 300, version: 2)
        let again = branch(4, parent: 3, at: 310, start: 310, without: [.user(saltedHash: "a")])
        #expect(
            try lineage([root, built, back, again], upTo: 320) == [
                LineageSegment(
                    ranges: [range(0, 0, 99), range(1, 100, 139)],
                    withoutUsers: ["a", "b"]
                ),
                LineageSegment(
                    ranges: [range(1, 140, 159), range(3, 300, 309)],
                    withoutUsers: ["a"]
                ),
                LineageSegment(ranges: [range(3, 310, 319)], withoutUsers: []),
            ]
        )
    }

    @Test func `what is left after a version begins at its position`() throws {
        let back = branch(2, parent: 1, at: 50, start: 220, version: 4)
        func rest(_ id: Int64, _ position: Int64) throws -> [Range<Int64>] {
            try Lineage.stretches([root, back], after: id, at: position, upTo: 230)
                .map(\.positions)
        }
        #expect(try rest(1, 30) == [30..<50, 220..<230])
        #expect(try rest(1, 50) == [220..<230])
        #expect(try rest(2, 225) == [225..<230])
        #expect(try rest(2, 230).isEmpty)
        #expect(errorKind { _ = try rest(1, 51) } == .invalid)
        #expect(errorKind { _ = try rest(2, 219) } == .invalid)
        #expect(errorKind { _ = try rest(3, 0) } == .invalid)
    }

    @Test func `no state from before a rebuild is a beginning of what was rebuilt`() {
        let built = branch(2, parent: 1, at: 140, start: 140)
        #expect(
            errorKind {
                _ = try Lineage.stretches([root, built], after: 1, at: 140, upTo: 140)
            } == .invalid
        )
    }

    @Test func `a position before the branch is refused, a branch before its parent is damaged`() {
        let back = branch(2, parent: 1, at: 50, start: 220, version: 1)
        #expect(errorKind { _ = try lineage([root, back], upTo: 219) } == .invalid)
        let early = branch(3, parent: 2, at: 219, start: 219)
        #expect(errorKind { _ = try lineage([root, back, early], upTo: 230) } == .damaged)
    }
}
