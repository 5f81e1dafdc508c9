import ModelStore
import Streaming

/// Something that must hold in the end, and whether it does.
struct ProveCheck: Encodable, Sendable, Equatable {
    /// What must hold.
    let claim: String
    /// What is wrong; nil when it holds.
    let problem: String?

    init(_ claim: String, problem: String?) {
        self.claim = claim
        self.problem = problem
    }

    /// A check that nothing is lost and nothing doubled.
    init(_ claim: String, _ faults: ProveFaults) { self.init(claim, problem: faults.problem) }

    /// A check that two values are the same.
    init<Value: Equatable>(_ claim: String, _ value: Value, equals expected: Value) {
        let isEqual = value == expected
        self.init(claim, problem: isEqual ? nil : "\(value), expected \(expected)")
    }
}

/// What is not there exactly once.
struct ProveFaults: Sendable, Equatable {
    var lost: [String] = []
    var doubled: [String] = []
    /// There, but not as it should be.
    var wrong: [String] = []

    /// What is wrong, with the first examples; nil when nothing is.
    var problem: String? {
        let parts = [("lost", lost), ("doubled", doubled), ("wrong", wrong)]
            .filter { !$1.isEmpty }
            .map { "\(grouped($1.count)) \($0) (\($1.prefix(3).joined(separator: ", ")))" }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Compares what was acknowledged with what a topic holds.
    static func topic(_ acknowledged: [ProvePlace?], _ found: [ProveRecord]) -> ProveFaults {
        var faults = ProveFaults()
        var counts = [Int](repeating: 0, count: acknowledged.count)
        for record in found {
            let place = ProvePlace(partition: record.partition, offset: record.offset)
            guard let number = record.number, acknowledged.indices.contains(number) else {
                faults.wrong.append("\(place) was never sent")
                continue
            }
            counts[number] += 1
            if counts[number] > 1 {
                faults.doubled.append("\(number) at \(place)")
            } else if let expected = acknowledged[number], expected != place {
                faults.wrong.append("\(number) at \(place), acknowledged at \(expected)")
            }
        }
        for (number, count) in counts.enumerated() where count == 0 && acknowledged[number] != nil {
            faults.lost.append("\(number)")
        }
        return faults
    }

    /// Compares the ranges of a journal with the records of the topic.
    ///
    /// A range may have offsets without records, such as ends of transactions.
    static func journal(_ ranges: [OffsetRange], _ found: [ProveRecord]) -> ProveFaults {
        var faults = ProveFaults()
        let byPartition = Dictionary(grouping: ranges, by: \.partition)
        var records: [Int32: [Offset]] = [:]
        for record in found { records[record.partition, default: []].append(record.offset) }
        for (partition, ranges) in byPartition.sorted(by: { $0.key < $1.key }) {
            var next: Offset = 0
            for range in ranges {
                if range.first < next {
                    faults.doubled.append("\(partition):\(range.first)")
                }
                next = max(next, range.last + 1)
            }
        }
        for (partition, offsets) in records.sorted(by: { $0.key < $1.key }) {
            let ranges = (byPartition[partition] ?? []).sorted { $0.first < $1.first }
            var index = 0
            for offset in offsets.sorted() {
                while index < ranges.count, ranges[index].last < offset { index += 1 }
                guard index < ranges.count, ranges[index].first <= offset else {
                    faults.lost.append("\(partition):\(offset)")
                    continue
                }
            }
        }
        return faults
    }

    /// Compares the ids of requests with those of answers.
    static func answers(to requests: [String], _ answered: [String]) -> ProveFaults {
        var faults = ProveFaults()
        var counts = Dictionary(requests.map { ($0, 0) }, uniquingKeysWith: { first, _ in first })
        for id in answered {
            guard let count = counts[id] else {
                faults.wrong.append("\(id) was never asked")
                continue
            }
            if count == 1 { faults.doubled.append(id) }
            counts[id] = count + 1
        }
        faults.lost = requests.filter { counts[$0] == 0 }
        return faults
    }
}
