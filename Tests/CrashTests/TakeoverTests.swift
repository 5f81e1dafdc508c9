import Foundation
import KafkaClient
import ModelStore
import Streaming
import Testing

/// Trainers that do not know of one another, and a broker that is away for long.
@Suite(.serialized) final class TakeoverTests {
    private static let train = [
        "train", "--set", "model.settings.factors=8",
        "--set", "model.settings.implicit.negatives=5",
        "--set", "trainer.checkpoint_interval=500ms", "--set", "log.level=notice",
        "--set", "kafka.properties.transaction.timeout.ms=3000",
    ]
    private let installation: Installation
    private let store: ModelStore
    /// The processes that send events, and how many events they send in all.
    private var senders: [String] = []
    private var events = 0

    /// A broker with events coming in at 2000 a second, and a trainer that has begun to learn.
    init() throws {
        installation = try Installation()
        try installation.startBroker()
        _ = try installation.run(["topics", "apply"])
        try installation.start("trainer", Self.train)
        store = try ModelStore(directory: installation.store)
        try send(20_000)
        try learned(1500)
    }

    /// Has more events sent, other ones than before.
    private func send(_ count: Int) throws {
        senders.append("events-\(senders.count)")
        events += count
        try installation.start(
            senders[senders.count - 1],
            [
                "events", "generate", "--events", String(count), "--rate", "2000",
                "--seed", String(senders.count),
            ]
        )
    }

    private func learned(_ count: Int, by trainer: String = "trainer") throws {
        try wait("\(count) journalled events") {
            guard installation.isRunning(trainer) else {
                throw Failure("\(trainer) ended: \(installation.log(trainer))")
            }
            return try store.journalPosition(of: "recommender") >= count
        }
    }

    /// The trainer ends well, has learned each event once, and has the bytes of one that ran alone.
    private func finish(_ name: String) throws {
        for sender in senders {
            #expect(installation.finish(sender) == 0, "\(installation.log(sender))")
        }
        try learned(events, by: name)
        #expect(installation.stop(name) == 0, "\(installation.log(name))")
        var next: Int64 = 0
        for entry in try store.journal(of: "recommender", from: 0) {
            #expect(entry.range.first == next)
            next = entry.range.last + 1
        }
        #expect(next == Int64(events))
        let newest = try #require(try store.newestVersion(of: "recommender"))
        #expect(newest.eventCount == Int64(events))
        _ = try installation.run(Self.train + ["--until-end", "--model", "again"])
        let again = try #require(try store.newestVersion(of: "again"))
        #expect(again.eventCount == newest.eventCount)
        #expect(try state(of: again, in: store) == state(of: newest, in: store))
    }

    /// The epochs of the committed updates of the model, in their order.
    private func epochs() throws -> [Int64] {
        let settings = KafkaSettings(bootstrapServers: installation.address)
        let consumer = try KafkaConsumer(settings, topics: ["model-updates"])
        let log = TopicPartition(topic: "model-updates", partition: 0)
        let end = try consumer.watermarks(of: log, timeout: .seconds(120)).end
        try consumer.assign([log: 0])
        var epochs: [Int64] = []
        try wait("the end of model-updates") {
            let batch = try consumer.poll(maximumCount: 1000, timeout: .milliseconds(100))
            for (index, record) in batch.records.enumerated()
            where record.key?.elementsEqual("recommender".utf8) == true {
                let header = batch.headers(at: index).first { $0.name == "epoch" }
                let text = header?.value.map { String(decoding: $0, as: UTF8.self) } ?? ""
                epochs.append(Int64(text) ?? -1)
            }
            return consumer.reachedEnd(of: log) ?? 0 >= end
        }
        return epochs
    }

    @Test func `a trainer paused while another took over stops, and nothing of it is seen`()
        throws
    {
        installation.pause("trainer")
        let before = Int(try store.journalPosition(of: "recommender"))
        try installation.start("second", Self.train)
        try learned(before + 2000, by: "second")
        installation.resume("trainer")
        #expect(installation.finish("trainer") != 0)
        let log = installation.log("trainer")
        #expect(log.contains("epoch 1") && log.contains("run one trainer per model"), "\(log)")
        try finish("second")
        let epochs = try epochs()
        #expect(Set(epochs) == [1, 2])
        #expect(epochs == epochs.sorted(), "an update of the older trainer after the newer one's")
    }

    @Test func `a broker that is away for longer than a transaction may last is waited for`() throws
    {
        try interrupt({ installation.kill9("broker") }) { try installation.startBroker() }
        // A broker that only hangs aborts the transaction itself as soon as it goes on.
        try interrupt({ installation.pause("broker") }) { installation.resume("broker") }
        try finish("trainer")
        #expect(Set(try epochs()) == [1])
    }

    /// Takes the broker away while the trainer has something to send, brings it back once the
    /// trainer's transaction has lasted too long, and waits until the trainer has gone on.
    ///
    /// Tried again if the trainer had just sent all there was.
    private func interrupt(_ takeAway: () -> Void, _ bringBack: () throws -> Void) throws {
        for _ in 0..<10 {
            try send(10_000)
            try learned(Int(try store.journalPosition(of: "recommender")) + 1000)
            let told = installation.log("trainer").count
            takeAway()
            let isOver: Void? = try? wait("the trainer's transaction to end", seconds: 15) {
                installation.log("trainer").dropFirst(told).contains("updates are sent again")
            }
            try bringBack()
            if isOver != nil { return }
        }
        throw Failure("no transaction was under way: \(installation.log("trainer"))")
    }

    @Test func `a second store does not train the model of the first, nor does an old copy`() throws
    {
        try installation.start("other", Self.train, store: "\(installation.folder)/other")
        #expect(installation.finish("other") != 0)
        #expect(installation.log("other").contains("has no version of it"))
        #expect(installation.isRunning("trainer"))

        #expect(installation.stop("trainer") == 0)
        let copy = "\(installation.folder)/copy"
        try installation.copy(installation.store, to: copy)
        try installation.start("trainer", Self.train)
        try learned(5000)
        // Until the first update of its epoch is there, an older copy cannot be told from this one.
        try wait("an update of epoch 2") { try epochs().contains(2) }
        try installation.start("old", Self.train, store: copy)
        #expect(installation.finish("old") != 0)
        #expect(installation.log("old").contains("the store is an older copy"))
        try finish("trainer")
        #expect(Set(try epochs()) == [1, 2])
    }

    @Test func `of two trainers that begin with copies of one store, one stops`() throws {
        #expect(installation.stop("trainer") == 0)
        let copy = "\(installation.folder)/copy"
        try installation.copy(installation.store, to: copy)
        let names = ["trainer", "twin"]
        for (name, store) in zip(names, [installation.store, copy]) {
            try installation.start(name, Self.train, store: store)
        }
        try wait("one of them to stop") { names.contains { !installation.isRunning($0) } }
        try send(1000)
        for sender in senders { #expect(installation.finish(sender) == 0) }
        let other = names[installation.isRunning("trainer") ? 1 : 0]
        let log = installation.log(other)
        #expect(installation.finish(other) != 0)
        #expect(log.contains("run one trainer per model") || log.contains("older copy"), "\(log)")
        let winner = names[installation.isRunning("trainer") ? 0 : 1]
        let folder = winner == "trainer" ? installation.store : copy
        try wait("\(events) events of \(winner)") {
            try ModelStore(directory: folder).journalPosition(of: "recommender") >= events
        }
        #expect(installation.stop(winner) == 0)
        #expect(Set(try epochs()) == [1, 2])
    }
}
