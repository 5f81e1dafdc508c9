import ModelStore
import Testing

@testable import freshet

/// What a proof must not let pass.
@Suite struct ProveCheckTests {
    private let places: [ProvePlace?] = [
        ProvePlace(partition: 0, offset: 0), ProvePlace(partition: 1, offset: 0),
        ProvePlace(partition: 0, offset: 1),
    ]

    private var found: [ProveRecord] {
        [
            ProveRecord(number: 0, partition: 0, offset: 0),
            ProveRecord(number: 2, partition: 0, offset: 1),
            ProveRecord(number: 1, partition: 1, offset: 0),
        ]
    }

    private func range(_ partition: Int32, _ first: Int64, _ last: Int64) -> OffsetRange {
        OffsetRange(topic: "t", partition: partition, first: first, last: last)
    }

    @Test func `a topic with every acknowledged event once is right`() {
        #expect(ProveFaults.topic(places, found).problem == nil)
        // What was not acknowledged may be there or not.
        #expect(ProveFaults.topic(places + [nil], found).problem == nil)
    }

    @Test func `an acknowledged event that a topic lacks is lost`() {
        #expect(ProveFaults.topic(places, Array(found.dropLast())).lost == ["1"])
    }

    @Test func `an event that a topic has twice is doubled`() {
        let again = ProveRecord(number: 2, partition: 0, offset: 2)
        #expect(ProveFaults.topic(places, found + [again]).doubled == ["2 at 0:2"])
    }

    @Test func `an event that is not where it was acknowledged, or never was sent, is wrong`() {
        var moved = found
        moved[2].offset = 7
        #expect(ProveFaults.topic(places, moved).wrong == ["1 at 1:7, acknowledged at 1:0"])
        let strange = ProveRecord(number: nil, partition: 1, offset: 1)
        #expect(ProveFaults.topic(places, found + [strange]).wrong == ["1:1 was never sent"])
        let unknown = ProveRecord(number: 3, partition: 1, offset: 1)
        #expect(ProveFaults.topic(places, found + [unknown]).wrong == ["1:1 was never sent"])
    }

    @Test func `a journal with every record once is right, offsets without records included`() {
        let ranges = [range(0, 0, 0), range(1, 0, 3), range(0, 1, 1)]
        #expect(ProveFaults.journal(ranges, found).problem == nil)
    }

    @Test func `a record that no range of the journal holds is lost`() {
        #expect(ProveFaults.journal([range(0, 0, 0), range(1, 0, 0)], found).lost == ["0:1"])
        #expect(ProveFaults.journal([range(0, 0, 1)], found).lost == ["1:0"])
        #expect(ProveFaults.journal([range(0, 1, 1), range(1, 0, 0)], found).lost == ["0:0"])
        #expect(ProveFaults.journal([], found).lost.count == 3)
    }

    @Test func `a record that two ranges of the journal hold is doubled`() {
        let ranges = [range(0, 0, 1), range(1, 0, 0), range(0, 1, 2)]
        #expect(ProveFaults.journal(ranges, found).doubled == ["0:1"])
        let same = [range(0, 0, 1), range(0, 0, 1), range(1, 0, 0)]
        #expect(ProveFaults.journal(same, found).doubled == ["0:0"])
    }

    @Test func `a request without an answer is lost, and one with two is doubled`() {
        let asked = ["a", "b", "c"]
        #expect(ProveFaults.answers(to: asked, ["c", "a", "b"]).problem == nil)
        #expect(ProveFaults.answers(to: asked, ["c", "a"]).lost == ["b"])
        #expect(ProveFaults.answers(to: asked, ["c", "a", "b", "a"]).doubled == ["a"])
        #expect(ProveFaults.answers(to: asked, asked + ["d"]).wrong == ["d was never asked"])
    }

    @Test func `a problem names what it found, and a different value is one`() {
        let faults = ProveFaults(lost: ["1", "2", "3", "4"], doubled: ["5"])
        let check = ProveCheck("it holds", faults)
        #expect(check.problem == "4 lost (1, 2, 3), 1 doubled (5)")
        #expect(ProveCheck("it holds", ProveFaults()).problem == nil)
        #expect(ProveCheck("equal", 1, equals: 1).problem == nil)
        #expect(ProveCheck("equal", 1, equals: 2).problem == "1, expected 2")
    }
}
