import Testing

@testable import ModelStore

@Suite struct JournalTests {
    let directory: TemporaryDirectory
    let store: ModelStore
    let epoch: Int64

    init() throws {
        directory = try TemporaryDirectory()
        store = try ModelStore(directory: directory.path)
        epoch = try store.beginEpoch(model: "taste")
    }

    private func append(_ ranges: OffsetRange...) throws(ModelStoreError) {
        try store.appendJournal(model: "taste", epoch: epoch, ranges: ranges)
    }

    private func entry(_ position: Int64, _ range: OffsetRange) -> JournalEntry {
        JournalEntry(position: position, epoch: epoch, range: range)
    }

    @Test func `entries come back in the order of learning`() throws {
        try append(range(1, 0, 4), range(0, 0, 2))
        try append(range(1, 5, 6))
        let expected = [
            entry(0, range(1, 0, 4)), entry(5, range(0, 0, 2)), entry(8, range(1, 5, 6)),
        ]
        #expect(try store.journal(of: "taste", from: 0) == expected)
        #expect(try store.journalPosition(of: "taste") == 10)
    }

    @Test func `a range that goes on where the newest entry ends extends it`() throws {
        try append(range(0, 3, 4), range(0, 5, 5))
        try append(range(0, 6, 9))
        #expect(try store.journal(of: "taste", from: 0) == [entry(0, range(0, 3, 9))])
        #expect(try store.journalPosition(of: "taste") == 7)
    }

    @Test func `a gap, another partition or another topic begins a new entry`() throws {
        let other = OffsetRange(topic: "corrections", partition: 1, first: 3, last: 3)
        try append(range(0, 0, 1), range(0, 3, 3), range(1, 0, 2), other)
        let expected = [
            entry(0, range(0, 0, 1)), entry(2, range(0, 3, 3)), entry(3, range(1, 0, 2)),
            entry(6, other),
        ]
        #expect(try store.journal(of: "taste", from: 0) == expected)
    }

    @Test func `an entry does not grow over the place where a version was made`() throws {
        try append(range(0, 0, 4))
        try store.add("taste", epoch: epoch, content: "state")
        try append(range(0, 5, 9))
        try append(range(0, 10, 11))
        let expected = [entry(0, range(0, 0, 4)), entry(5, range(0, 5, 11))]
        #expect(try store.journal(of: "taste", from: 0) == expected)
    }

    @Test func `an entry does not grow over epochs`() throws {
        try append(range(0, 0, 4))
        let next = try store.beginEpoch(model: "taste")
        try store.appendJournal(model: "taste", epoch: next, ranges: [range(0, 5, 9)])
        let entries = try store.journal(of: "taste", from: 0)
        #expect(entries.map(\.epoch) == [1, 2])
        #expect(entries.map(\.position) == [0, 5])
    }

    @Test func `reading may begin in the middle of an entry`() throws {
        try append(range(0, 10, 19), range(1, 0, 4))
        #expect(
            try store.journal(of: "taste", from: 7) == [
                entry(7, range(0, 17, 19)), entry(10, range(1, 0, 4)),
            ]
        )
        #expect(try store.journal(of: "taste", from: 10) == [entry(10, range(1, 0, 4))])
        #expect(try store.journal(of: "taste", from: 14) == [entry(14, range(1, 4, 4))])
        #expect(try store.journal(of: "taste", from: 15).isEmpty)
        #expect(try store.journal(of: "taste", from: .max).isEmpty)
    }

    @Test func `a negative position is refused`() {
        #expect(errorKind { _ = try store.journal(of: "taste", from: .min) } == .invalid)
    }

    @Test func `an offset is never journalled twice`() throws {
        try append(range(0, 0, 9))
        #expect(errorKind { try append(range(0, 9, 12)) } == .invalid)
        #expect(errorKind { try append(range(0, 10, 12), range(0, 12, 13)) } == .invalid)
        #expect(try store.journal(of: "taste", from: 0) == [entry(0, range(0, 0, 9))])
        try append(range(0, 10, 12))
    }

    @Test func `a call that is refused in part is refused as a whole`() throws {
        #expect(errorKind { try append(range(0, 0, 4), range(1, 3, 2)) } == .invalid)
        #expect(try store.journalPosition(of: "taste") == 0)
        #expect(try store.journal(of: "taste", from: 0).isEmpty)
    }

    @Test(arguments: [
        range(0, 5, 4), range(0, -1, 4), range(-1, 0, 4), range(0, .min, .max),
        range(0, 0, .max),
        OffsetRange(topic: "", partition: 0, first: 0, last: 1),
    ])
    func `what is no range is refused`(_ range: OffsetRange) {
        #expect(errorKind { try append(range) } == .invalid)
    }

    @Test func `an older trainer is refused in every connection`() throws {
        try append(range(0, 0, 4))
        let other = try ModelStore(directory: directory.path)
        #expect(try other.beginEpoch(model: "taste") == epoch + 1)
        let error = #expect(throws: ModelStoreError.self) { try append(range(0, 5, 9)) }
        #expect(error?.kind == .fenced)
        #expect(error?.message.contains("epoch 1") == true)
        #expect(error?.message.contains("epoch 2") == true)
        #expect(try other.journalPosition(of: "taste") == 5)
    }

    @Test func `an epoch that nobody has begun is refused`() {
        for epoch in [0, -1, 2] as [Int64] {
            #expect(
                errorKind {
                    try store.appendJournal(model: "taste", epoch: epoch, ranges: [range(0, 0, 1)])
                } == .invalid
            )
        }
        #expect(
            errorKind {
                try store.appendJournal(model: "unknown", epoch: 1, ranges: [range(0, 0, 1)])
            } == .invalid
        )
    }

    @Test func `models have journals of their own`() throws {
        let epoch = try store.beginEpoch(model: "other")
        try store.appendJournal(model: "other", epoch: epoch, ranges: [range(0, 0, 1)])
        try append(range(0, 0, 4))
        #expect(try store.journalPosition(of: "other") == 2)
        #expect(try store.journalPosition(of: "taste") == 5)
        #expect(try store.journalPosition(of: "unknown") == 0)
        #expect(try store.models() == ["other", "taste"])
    }
}
