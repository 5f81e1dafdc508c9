import Foundation
import Logging
import ModelStore
import Streaming
import Synchronization
import Testing

@testable import Pipeline

@Suite struct UpdateSenderTests {
    private static let log = TopicPartition(topic: "model-updates", partition: 0)

    /// What a sink does at its next calls, once each, instead of what was asked.
    private final class Script: Sendable {
        private let steps: Mutex<[(TransactionCall, StreamError)]>
        private let openings = Mutex(0)

        init(_ steps: [(TransactionCall, StreamError)]) { self.steps = Mutex(steps) }

        var isOver: Bool { steps.withLock { $0.isEmpty } }
        var openingCount: Int { openings.withLock { $0 } }
        func open() { openings.withLock { $0 += 1 } }

        func failure(_ call: TransactionCall) -> StreamError? {
            steps.withLock { steps in
                guard let next = steps.first, next.0 == call else { return nil }
                steps.removeFirst()
                return next.1
            }
        }
    }

    private static func error(
        _ kind: StreamError.Kind = .other,
        retriable: Bool = false,
        needsAbort: Bool = false,
        fatal: Bool = false
    ) -> StreamError {
        StreamError(
            kind,
            "scripted",
            remedy: "none",
            isRetriable: retriable,
            needsAbort: needsAbort,
            isFatal: fatal
        )
    }

    private func sender(
        _ scene: Scene,
        _ script: Script,
        epoch: Int64
    ) -> (UpdateSender, TrainerIdentity) {
        let identity = TrainerIdentity(
            model: "test",
            epoch: epoch,
            origin: "here",
            log: Self.log,
            modelStore: scene.store
        )
        let log = scene.log
        let connection = UpdatesConnection(
            openSink: {
                script.open()
                return FailingTransactions(log.sink(transactionalID: "x"), script.failure)
            },
            openSource: { log.source(["model-updates"]) }
        )
        let sender = UpdateSender(
            identity,
            connection: connection,
            logger: scene.quiet
        )
        return (sender, identity)
    }

    private func updates(_ identity: TrainerIdentity, _ count: Int) throws -> [ModelUpdate] {
        var hash = UpdateIdentity.noPredecessor
        return try (1...count).map { number in
            let update = try ModelUpdate(
                identity: UpdateIdentity(
                    model: identity.model,
                    epoch: identity.epoch,
                    sequence: Int64(number),
                    previous: hash,
                    watermark: 0,
                    position: 0
                ),
                content: .delta([UInt8(number)]),
                origin: identity.origin,
                trainer: identity.trainer
            )
            hash = update.hash
            return update
        }
    }

    @Test func `each update is committed once and in order, whatever fails on the way`() throws {
        let script = Script([
            (.commit, Self.error(.timedOut, retriable: true)),
            (.commit, Self.error(needsAbort: true)),
            (.commit, Self.error(needsAbort: true)),
            (.abort, Self.error(.timedOut, retriable: true)),
            // librdkafka's issue 4849: the transaction cannot be aborted either.
            (.commit, Self.error(needsAbort: true)), (.abort, Self.error()),
            // What a transaction that lasted too long looks like.
            (.commit, Self.error(.fenced, fatal: true)),
            (.begin, Self.error()),
        ])
        let scene = try Scene()
        let epoch = try scene.store.beginEpoch(model: "test")
        let (sender, identity) = sender(scene, script, epoch: epoch)
        for update in try updates(identity, 5) {
            sender.submit(update)
            try waitUntil("an update is committed") { sender.pendingCount == 0 }
        }
        #expect(script.isOver)
        #expect(scene.log.values(of: Self.log) == (1...5).map { [UInt8($0)] })
        #expect(sender.trouble == nil)
        #expect(script.openingCount == 4)
        sender.close()
        try sender.check()
    }

    @Test func `a sender that is fenced while it begins tries again if it is alone`() throws {
        let script = Script([
            (.initialize, Self.error(.timedOut, retriable: true)),
            (.initialize, Self.error(.fenced, fatal: true)),
            (.initialize, Self.error(.fenced, fatal: true)),
        ])
        let scene = try Scene()
        let epoch = try scene.store.beginEpoch(model: "test")
        let (sender, identity) = sender(scene, script, epoch: epoch)
        sender.submit(try updates(identity, 1)[0])
        try waitUntil("the update is committed") { sender.pendingCount == 0 }
        #expect(script.isOver)
        #expect(script.openingCount == 3)
        #expect(scene.log.values(of: Self.log) == [[1]])
        sender.close()
        try sender.check()
    }

    /// Who takes a model over.
    enum Rival: CaseIterable { case sameStore, otherStore, copyOfStore }

    /// Puts the first update of a trainer that took over on the log; one with the same store only
    /// takes its epoch.
    private func takeOver(_ rival: Rival, _ identity: TrainerIdentity, _ scene: Scene) throws {
        var other = identity
        switch rival {
        case .sameStore:
            _ = try scene.store.beginEpoch(model: "test")
            return
        case .otherStore: other.origin = "elsewhere"
        case .copyOfStore: other.trainer = "another"
        }
        let update = try updates(other, 1)[0]
        for record in UpdateFormat.records(of: update, topic: Self.log.topic, partition: 0) {
            try scene.log.sink().send(record, token: 0)
        }
    }

    private func expectGivenUp(_ sender: UpdateSender) throws {
        try waitUntil("it has given up") { (try? sender.check()) == nil }
        let error = #expect(throws: PipelineError.self) { try sender.check() }
        #expect(error?.kind == .fenced)
        #expect(error?.message.contains("has taken over") == true)
        sender.close()
    }

    @Test(arguments: Rival.allCases)
    func `a fenced sender ends when the store or the topic has another trainer`(
        rival: Rival
    ) throws {
        let scene = try Scene()
        let epoch = try scene.store.beginEpoch(model: "test")
        let script = Script([(.commit, Self.error(.fenced, fatal: true))])
        let (sender, identity) = sender(scene, script, epoch: epoch)
        try takeOver(rival, identity, scene)
        let before = scene.log.values(of: Self.log)
        sender.submit(try updates(identity, 1)[0])
        try expectGivenUp(sender)
        #expect(scene.log.values(of: Self.log) == before)
    }

    @Test(arguments: [Rival.otherStore, .copyOfStore])
    func `a sender does not begin after the updates of another trainer`(rival: Rival) throws {
        let scene = try Scene()
        let epoch = try scene.store.beginEpoch(model: "test")
        let other = TrainerIdentity(
            model: "test",
            epoch: epoch,
            origin: "here",
            log: Self.log,
            modelStore: scene.store
        )
        try takeOver(rival, other, scene)
        let before = scene.log.values(of: Self.log)
        let (sender, identity) = sender(scene, Script([]), epoch: epoch)
        sender.submit(try updates(identity, 1)[0])
        try expectGivenUp(sender)
        #expect(scene.log.values(of: Self.log) == before)
    }

    @Test func `the last update of a model is found among many of others, or not at all`() throws {
        let scene = try Scene()
        let sink = scene.log.sink()
        func send(_ model: String, _ epoch: Int64) throws {
            let identity = TrainerIdentity(
                model: model,
                epoch: epoch,
                origin: "here",
                trainer: "first",
                log: Self.log,
                modelStore: scene.store
            )
            let update = try updates(identity, 1)[0]
            for record in UpdateFormat.records(of: update, topic: "model-updates", partition: 0) {
                try sink.send(record, token: 0)
            }
        }
        func find(_ model: String, _ patience: Duration = .seconds(10)) throws -> LastUpdate.Found {
            try LastUpdate.find(
                of: model,
                on: Self.log,
                in: scene.log.source(["model-updates"]),
                deadline: .now + patience
            )
        }
        #expect(try find("a") == .nothing)
        try send("a", 3)
        try send("a", 4)
        for _ in 0..<3000 { try send("b", 9) }
        #expect(
            try find("a")
                == .update(
                    LastUpdate(epoch: 4, sequence: 1, origin: "here", trainer: "first")
                )
        )
        #expect(try find("c") == .nothing)
        #expect(try find("a", .zero) == .unknown)
    }
}
