import Foundation
import KafkaClient
import ModelStore
import Streaming
import Testing

/// Events that are left out of a model while broker, trainer and scorer run and events come in.
@Suite(.serialized) struct ForgettingTests {
    @Test func `a user is forgotten by model, scorer and record while learning goes on`() throws {
        let live = try LiveModel()
        let had = ["i1", "i2", "i3", "theirs-alone"]
        let sent = try live.send(had.map { (user: "gone", item: $0) })
        try live.learned(sent.last)
        // Before: what the user had is left out of the answer, and is known to the model.
        let before = try live.ask("gone", had) { $0.position > sent.last }
        #expect(before.items.isEmpty)
        #expect(try live.ask("u1", ["theirs-alone"]) { _ in true }.items == ["theirs-alone"])

        let certificate: Certificate = try live.models(
            ["rebuild", "latest", "--without-user", "gone", "--wait", "60s"]
        )
        #expect(certificate.taken_up, "\(live.trainerLog)")
        #expect(live.isBusy, "no events came meanwhile")
        let user = try #require(certificate.users.first)
        #expect(user.events_left_out == had.count)
        let parts = user.hash.split(separator: ":").map(String.init)
        try #require(parts.count == 2)
        #expect(try ContentHash.sha256([Array((parts[0] + "gone").utf8)]) == parts[1])
        #expect(!certificate.older_versions.isEmpty)
        let again: Rebuilt = try live.models(["rebuild", String(certificate.version)])
        #expect(again.rebuilt_hash == certificate.hash)

        // After: the user is new, and the item that nobody else had is none.
        let after = try live.ask("gone", had) { $0.version >= certificate.version }
        #expect(after.items.sorted() == ["i1", "i2", "i3"])
        let other = try live.ask("u1", ["theirs-alone"]) { $0.version >= certificate.version }
        #expect(other.items.isEmpty)
        let trace: Trace = try live.models(["why", after.text])
        #expect(trace.branch == certificate.branch)
        #expect(trace.user.events == 0)
        #expect(trace.learned.contains { $0.without_users.contains(user.hash) })

        // The user comes back, and is learned from then on.
        let back = try live.send([(user: "gone", item: "i2")])
        try live.learned(back.last)
        let returned = try live.ask("gone", had) { $0.position > back.last }
        #expect(returned.items.sorted() == ["i1", "i3"])
        let next: Trace = try live.models(["why", returned.text])
        #expect(next.user.events == 1)
        #expect(next.user.last_offset == back.last)
        try live.finish(leftOut: had.count)
    }

    @Test func `a poisoned range is left out by model, scorer and record while learning goes on`()
        throws
    {
        let live = try LiveModel()
        let sent = try live.send((0..<40).map { (user: "bot\($0 % 8)", item: "poison") })
        try live.learned(sent.last)
        let before = try live.ask("u1", ["poison"]) { $0.position > sent.last }
        #expect(before.items == ["poison"])
        let poisoned: Trace = try live.models(["why", before.text])
        #expect(poisoned.items.first?.events == 40)
        #expect(poisoned.items.first?.last_offset == sent.last)

        let certificate: Certificate = try live.models([
            "rebuild", "latest", "--without", "0:\(sent.first)-\(sent.last)", "--wait", "60s",
        ])
        #expect(certificate.taken_up, "\(live.trainerLog)")
        #expect(live.isBusy, "no events came meanwhile")
        #expect(certificate.events == certificate.journal_position - Int64(sent.count))
        let after = try live.ask("u1", ["poison", "i1"]) { $0.version >= certificate.version }
        #expect(after.items != ["poison"] && !after.items.contains("poison"))
        let trace: Trace = try live.models(["why", after.text])
        #expect(!trace.learned.isEmpty)
        for range in trace.learned.flatMap(\.ranges) {
            #expect(range.last < sent.first || range.first > sent.last)
        }
        try live.finish(leftOut: sent.count)
    }
}

// What the commands print, as far as the tests look at it.
private struct Certificate: Decodable {
    struct User: Decodable {
        var hash: String
        var events_left_out: Int
    }
    var version: Int64
    var hash: String
    var branch: Int64
    var journal_position: Int64
    var events: Int64
    var users: [User]
    var older_versions: [Int64]
    var taken_up: Bool
}

private struct Rebuilt: Decodable {
    var rebuilt_hash: String
    var equal: Bool?
}

private struct Trace: Decodable {
    struct Named: Decodable {
        var events: Int
        var last_offset: Int64?
    }
    struct Segment: Decodable {
        struct Range: Decodable {
            var first: Int64
            var last: Int64
        }
        var ranges: [Range]
        var without_users: [String]
    }
    var branch: Int64
    var learned: [Segment]
    var user: Named
    var items: [Named]
}

private struct Answer: Decodable {
    private struct Item: Decodable { var item: String }
    private enum CodingKeys: String, CodingKey { case version, position, items }
    let version: Int64
    let position: Int64
    let items: [String]
    /// The answer as it came.
    var text = ""

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int64.self, forKey: .version)
        position = try container.decode(Int64.self, forKey: .position)
        items = try container.decode([Item].self, forKey: .items).map(\.item)
    }
}

/// Broker, trainer, scorer, and a stream of events, each a process; a model that has learned some.
///
/// Owned by one test.
private final class LiveModel {
    private let installation: Installation
    private let store: ModelStore
    private let producer: KafkaProducer
    private let partition = TopicPartition(topic: "interactions", partition: 0)
    private var sentCount = 0

    init() throws {
        installation = try Installation()
        try installation.startBroker()
        _ = try installation.run(["topics", "apply"])
        try installation.start(
            "trainer",
            [
                "train", "--set", "model.settings.factors=8",
                "--set", "model.settings.implicit.negatives=5",
                "--set", "trainer.checkpoint_interval=500ms",
                "--set", "store.keep_versions=1000", "--set", "log.level=notice",
            ]
        )
        try installation.start("scorer", ["score", "--set", "log.level=notice"])
        try installation.start(
            "events",
            [
                "events", "generate", "--events", "10000000", "--users", "200", "--items", "200",
                "--rate", "500",
            ]
        )
        store = try ModelStore(directory: installation.store)
        producer = try KafkaProducer(KafkaSettings(bootstrapServers: installation.address))
        try learned(2000)
    }

    var trainerLog: String { installation.log("trainer") }

    /// Whether events come in.
    var isBusy: Bool { installation.isRunning("events") }

    /// Waits until the event at an offset has been learned.
    func learned(_ offset: Offset) throws {
        try wait("the event at \(offset) to be learned (\(trainerLog))") {
            try store.nextOffsets(of: "recommender").contains { $0.offset > offset }
        }
    }

    /// Sends events among the others, and says at which offsets the first and the last are, and how
    /// many events of all kinds are from one to the other.
    func send(_ events: [(user: String, item: String)]) throws -> (
        first: Offset, last: Offset, count: Int
    ) {
        var offsets: [Offset] = []
        for event in events {
            sentCount += 1
            let value = """
                {"user":"\(event.user)","item":"\(event.item)","timestamp":\(1_700_000_000_000 + sentCount)}
                """
            try producer.send(
                OutgoingRecord(
                    topic: partition.topic,
                    key: Array(event.user.utf8),
                    value: Array(value.utf8)
                ),
                token: 1
            )
        }
        try wait("the events to arrive") {
            _ = try producer.flush(timeout: .milliseconds(100))
            offsets += producer.takeDeliveries().filter { $0.error == nil }.map(\.offset)
            return offsets.count == events.count
        }
        let (first, last) = (offsets.min() ?? 0, offsets.max() ?? 0)
        return (first, last, Int(last - first) + 1)
    }

    /// The items that the scorer finds for a user among candidates, once its answer is new enough.
    func ask(
        _ user: String,
        _ candidates: [String],
        until isEnough: (Answer) -> Bool
    ) throws -> Answer {
        var answer: Answer?
        try wait("an answer (\(installation.log("scorer")))") {
            let text = try installation.run([
                "recommend", user, "--candidates", candidates.joined(separator: ","), "--json",
                "--timeout", "60s",
            ])
            answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
            answer?.text = text
            return answer.map(isEnough) ?? false
        }
        return try #require(answer)
    }

    /// What a command prints.
    func models<Result: Decodable>(_ arguments: [String]) throws -> Result {
        let text = try installation.run(["models"] + arguments + ["--json"])
        return try JSONDecoder().decode(Result.self, from: Data(text.utf8))
    }

    /// Ends the stream and the trainer, and checks that the last version has learned all events but
    /// those left out, as its record says.
    func finish(leftOut: Int) throws {
        _ = installation.stop("events")
        let consumer = try KafkaConsumer(
            KafkaSettings(bootstrapServers: installation.address),
            topics: [partition.topic]
        )
        let end = try consumer.watermarks(of: partition, timeout: .seconds(30)).end
        try learned(end - 1)
        #expect(installation.stop("trainer") == 0, "\(trainerLog)")
        #expect(installation.stop("scorer") == 0, "\(installation.log("scorer"))")
        let newest = try #require(try store.newestVersion(of: "recommender"))
        #expect(newest.eventCount == end - Int64(leftOut))
        #expect(newest.journalPosition == end)
        var next: Offset = 0
        for entry in try store.journal(of: "recommender", from: 0) {
            #expect(entry.range.first == next)
            next = entry.range.last + 1
        }
        #expect(next == end)
        let rebuilt: Rebuilt = try models(["rebuild", "latest"])
        #expect(rebuilt.equal == true)
    }
}
