// What a state has learned, computed from branches and journal entries. Nothing here reads a
// database: the same functions are tested on plain values.

/// The rules by which branches cut the journal.
enum Lineage {
    /// A stretch of the journal that was learned, and what of it was left out.
    struct Stretch: Equatable {
        var positions: Range<Int64>
        var exclusions: [Exclusion] = []
    }

    /// What a state on the last branch at `position` has learned, in the order of learning.
    ///
    /// `ancestry` leads from the root to the branch, each branch the parent of the next.
    static func stretches(
        _ ancestry: [Branch],
        upTo position: Int64
    ) throws(ModelStoreError) -> [Stretch] {
        var stretches: [Stretch] = []
        for (index, branch) in ancestry.enumerated() {
            let later = ancestry[(index + 1)...]
            let end = later.first?.parentPosition ?? position
            guard branch.start >= branch.parentPosition, branch.start <= end else {
                throw ModelStoreError(
                    later.isEmpty ? .invalid : .damaged,
                    "branch \(branch.id) of model \"\(branch.model)\" begins at journal position "
                        + "\(branch.start) and has nothing at \(end)",
                    remedy: later.isEmpty
                        ? "name a position from \(branch.start) on"
                        : "restore the store from a copy"
                )
            }
            guard branch.start < end else { continue }
            stretches.append(
                Stretch(positions: branch.start..<end, exclusions: later.flatMap(\.exclusions))
            )
        }
        return stretches
    }

    /// What of the stretches the state of a version at `position` on its branch has yet to learn.
    ///
    /// Throws unless that state is a beginning of what the last branch of `ancestry` has learned.
    static func stretches(
        _ ancestry: [Branch],
        after branch: Int64,
        at position: Int64,
        upTo end: Int64
    ) throws(ModelStoreError) -> [Stretch] {
        guard let index = ancestry.firstIndex(where: { $0.id == branch }),
            ancestry[index].start <= position,
            ancestry[(index + 1)...].allSatisfy({ $0.parentVersion != nil }),
            index + 1 == ancestry.count || position <= ancestry[index + 1].parentPosition
        else {
            throw ModelStoreError(
                .invalid,
                "a state of branch \(branch) at journal position \(position) is no beginning of "
                    + "branch \(ancestry.last?.id ?? 0)",
                remedy: "go on from a version of the model's current branch"
            )
        }
        let all = try stretches(Array(ancestry[index...]), upTo: end)
        // Positions grow along a lineage: what is left begins at the state's position.
        return all.compactMap { stretch in
            guard stretch.positions.upperBound > position else { return nil }
            let start = max(stretch.positions.lowerBound, position)
            return Stretch(
                positions: start..<stretch.positions.upperBound,
                exclusions: stretch.exclusions
            )
        }
    }

    /// What is left of each stretch's entries, neighbours of the same kind as one segment.
    ///
    /// Stretches come in the order of learning; `entries` gives the journal's entries within a
    /// stretch's positions, cut at both ends.
    static func segments(
        _ stretches: [Stretch],
        entries: (Range<Int64>) throws -> [JournalEntry]
    ) rethrows -> [LineageSegment] {
        var segments: [LineageSegment] = []
        for stretch in stretches {
            var users: Set<String> = []
            var excluded: [PartitionKey: [ClosedRange<Int64>]] = [:]
            for exclusion in stretch.exclusions {
                switch exclusion {
                case .user(let hash): users.insert(hash)
                case .offsets(let range):
                    excluded[PartitionKey(range), default: []].append(range.first...range.last)
                }
            }
            let withoutUsers = users.sorted()
            if segments.last?.withoutUsers != withoutUsers {
                segments.append(LineageSegment(ranges: [], withoutUsers: withoutUsers))
            }
            for entry in try entries(stretch.positions) {
                let cuts = excluded[PartitionKey(entry.range)] ?? []
                for range in entry.range.without(cuts) {
                    segments[segments.count - 1].ranges.appendJoining(range)
                }
            }
        }
        return segments.filter { !$0.ranges.isEmpty }
    }
}

private struct PartitionKey: Hashable {
    let topic: String
    let partition: Int32

    init(_ range: OffsetRange) {
        topic = range.topic
        partition = range.partition
    }
}

extension OffsetRange {
    /// What is left when offsets are taken out, in ascending order.
    func without(_ cuts: [ClosedRange<Int64>]) -> [OffsetRange] {
        var left: [OffsetRange] = []
        var next = first
        for cut in cuts.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard cut.lowerBound <= last, cut.upperBound >= next else { continue }
            if cut.lowerBound > next { left.append(part(next, cut.lowerBound - 1)) }
            guard cut.upperBound < last else { return left }
            next = cut.upperBound + 1
        }
        left.append(part(next, last))
        return left
    }

    private func part(_ first: Int64, _ last: Int64) -> OffsetRange {
        OffsetRange(topic: topic, partition: partition, first: first, last: last)
    }
}

extension [OffsetRange] {
    /// Appends a range, as part of the last one where it goes on there.
    fileprivate mutating func appendJoining(_ range: OffsetRange) {
        if let last, last.topic == range.topic, last.partition == range.partition,
            last.last + 1 == range.first
        {
            self[count - 1].last = range.last
        } else {
            append(range)
        }
    }
}
