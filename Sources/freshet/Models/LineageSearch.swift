import Foundation
import ModelStore
import Pipeline
import Streaming

/// Finds the events of a lineage that name a user or items: what an answer may rest on.
///
/// Owned by one thread.
struct LineageSearch {
    /// The events that named one id.
    struct Found: Sendable, Equatable {
        /// How many there are.
        var count = 0
        /// The last one in the order of learning; nil for none.
        var last: OffsetRange?

        fileprivate mutating func add(_ place: OffsetRange) {
            count += 1
            last = place
        }
    }

    private struct Event: Decodable {
        let user: ID
        let item: ID
    }

    /// An id is text or an integer, which stands for its digits.
    private struct ID: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let integer = try? container.decode(Int64.self) {
                text = String(integer)
            } else {
                text = try container.decode(String.self)
            }
        }
    }

    private let source: any RecordSource
    private let decoder = JSONDecoder()
    private let needles: [Data]
    /// What was found of the user.
    private(set) var user = Found()
    /// What was found of each item.
    private(set) var items: [String: Found]
    private let userID: String

    /// A search for a user and items; `source` reads the lineage's topics.
    init(user: String, items: [String], source: any RecordSource) {
        userID = user
        self.items = Dictionary(
            items.map { ($0, Found()) },
            uniquingKeysWith: { first, _ in first }
        )
        needles = ([user] + items).map { Data($0.utf8) }
        self.source = source
    }

    /// Searches all of a lineage.
    ///
    /// Throws when the log no longer holds all of it. `progress` is told how many records have been read so far.
    mutating func run(
        _ segments: [LineageSegment],
        progress: (Int) -> Void = { _ in }
    ) throws(PipelineError) {
        var readCount = 0
        _ = try Rebuild(segments, source: source).read { (batch, users) throws(PipelineError) in
            for record in batch.records { look(at: record, without: users) }
            readCount += batch.records.count
            progress(readCount)
        }
    }

    private mutating func look(at record: Record, without users: ForgottenUsers) {
        guard let value = record.value.map({ Data($0) }), mayName(value),
            let event = try? decoder.decode(Event.self, from: value),
            !Array(event.user.text.utf8).withUnsafeBytes(users.contains)
        else { return }
        let place = OffsetRange(
            topic: source.topics[Int(record.topicIndex)],
            partition: record.partition,
            first: record.offset,
            last: record.offset
        )
        if event.user.text == userID { user.add(place) }
        items[event.item.text]?.add(place)
    }

    /// Whether a record must be decoded: an id stands there as it is, unless something is escaped.
    private func mayName(_ value: Data) -> Bool {
        value.contains(UInt8(ascii: "\\")) || needles.contains { value.range(of: $0) != nil }
    }
}
