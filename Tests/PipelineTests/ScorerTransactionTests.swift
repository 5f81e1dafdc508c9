import Streaming
import Synchronization
import Testing

@testable import Pipeline

/// Answers in transactions, when calls to the log fail in all the ways that they can.
@Suite struct ScorerTransactionTests {
    private static let answers = TopicPartition(topic: "answers", partition: 0)
    private static let letters = TopicPartition(topic: "dead-letters", partition: 0)
    private static let requests = TopicPartition(topic: "requests", partition: 0)

    /// A model, and requests of which every tenth is refused.
    private func begin(requestCount: Int = 600) throws -> Scene {
        let scene = try Scene()
        try scene.send(events: 0..<100)
        try scene.trainer().run()
        try ask(scene, 0..<requestCount)
        return scene
    }

    private func ask(_ scene: Scene, _ numbers: Range<Int>) throws {
        let sink = scene.log.sink()
        for number in numbers {
            let count = number.isMultiple(of: 10) ? 0 : 3
            let value = #"{"request":"r\#(number).","user":"u\#(number % 23)","count":\#(count)}"#
            try sink.send(OutgoingRecord(topic: "requests", value: Array(value.utf8)), token: 0)
        }
    }

    /// Every request is answered once, and every refused one is in the dead letters once.
    private func expectOnce(_ count: Int, _ scene: Scene) {
        let answers = scene.log.values(of: Self.answers).map { String(decoding: $0, as: UTF8.self) }
        #expect(answers.count == count)
        for number in 0..<count {
            let found = answers.filter { $0.contains("\"r\(number).\"") }.count
            #expect(found == 1, "request \(number) was answered \(found) times")
        }
        #expect(scene.log.values(of: Self.letters).count == (count + 9) / 10)
        #expect(scene.log.committedOffsets[Self.requests] == Offset(count))
    }

    private func transactions(
        _ scene: Scene,
        timeout: Duration = .seconds(60),
        _ failure: @escaping @Sendable (TransactionCall) -> StreamError? = { _ in nil }
    ) -> AnswerDelivery {
        .exactlyOnce(
            AnswerTransactions(instance: "7", timeout: timeout) { () throws(StreamError) in
                FailingTransactions(
                    scene.log.sink(transactionalID: "freshet-scorer-g-7"),
                    failure
                )
            }
        )
    }

    @Test func `what a scorer had answered when it died is answered once by the next`() throws {
        let scene = try begin()
        let failure = Board<PipelineError?>(nil)
        let dies = scene.startScorer(
            delivery: { self.transactions(scene) { $0 == .commit ? .death : nil } },
            failure: failure
        )
        dies.join()
        #expect(failure.current != nil)
        #expect(scene.log.values(of: Self.answers).isEmpty)
        let end = try scene.log.source(["answers"]).watermarks(of: Self.answers, timeout: .zero).end
        #expect(end == 0, "a transaction was left open")

        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let next = scene.startScorer(
            stop: stop,
            board: board,
            delivery: { self.transactions(scene) }
        )
        try waitUntil("all answers") { board.current.answered + board.current.refused == 600 }
        stop.set()
        next.join()
        expectOnce(600, scene)
    }

    @Test(arguments: [TransactionCall.begin, .offsets, .commit, .send])
    func `a transaction that cannot go on is aborted and done again`(call: TransactionCall) throws {
        try expectGoingOn { failures, made in
            guard made == call, failures < 3 else { return nil }
            return StreamError(.other, "moved", remedy: "", code: 22, needsAbort: true)
        }
    }

    @Test(arguments: [TransactionCall.initialize, .offsets, .commit])
    func `a call that times out is made again`(call: TransactionCall) throws {
        try expectGoingOn { failures, made in
            guard made == call, failures < 3 else { return nil }
            return StreamError(.timedOut, "away", remedy: "", isRetriable: true)
        }
    }

    @Test func `a sink that cannot even abort is replaced`() throws {
        try expectGoingOn { failures, made in
            switch (made, failures) {
            case (.commit, 0): StreamError(.other, "moved", remedy: "", needsAbort: true)
            case (.abort, 1): StreamError(.other, "invalid state", remedy: "")
            default: nil
            }
        }
    }

    @Test func `a transaction that the broker ended after its time is no other instance`() throws {
        try expectGoingOn(timeout: .zero) { failures, made in
            guard made == .commit, failures < 1 else { return nil }
            return StreamError(.fenced, "fenced", remedy: "", isFatal: true)
        }
    }

    private func expectGoingOn(
        timeout: Duration = .seconds(60),
        _ failure: @escaping @Sendable (Int, TransactionCall) -> StreamError?
    ) throws {
        let scene = try begin()
        let failures = Board(0)
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let scorer = scene.startScorer(
            stop: stop,
            board: board,
            delivery: {
                self.transactions(scene, timeout: timeout) { call in
                    let error = failure(failures.current, call)
                    if error != nil { failures.post(failures.current + 1) }
                    return error
                }
            }
        )
        try waitUntil("all answers") { board.current.answered + board.current.refused == 600 }
        stop.set()
        scorer.join()
        #expect(failures.current > 0)
        expectOnce(600, scene)
    }

    @Test func `of two scorers with one instance the older stops and says why`() throws {
        let scene = try begin(requestCount: 300)
        let failure = Board<PipelineError?>(nil)
        let older = Board(ScorerStatus())
        let first = scene.startScorer(
            board: older,
            delivery: { self.transactions(scene) },
            failure: failure
        )
        try waitUntil("answers") { older.current.answered + older.current.refused == 300 }
        let (stop, board) = (StopSignal(), Board(ScorerStatus()))
        let second = scene.startScorer(
            stop: stop,
            board: board,
            delivery: { self.transactions(scene) }
        )
        try waitUntil("the second one serves") { board.current.isServing }
        try ask(scene, 300..<400)
        first.join()
        #expect(failure.current?.kind == .fenced)
        #expect(failure.current?.message.contains("\"7\"") == true)
        #expect(failure.current?.remedy.contains("scorer.instance") == true)
        try waitUntil("the rest") { board.current.answered + board.current.refused == 100 }
        stop.set()
        second.join()
        expectOnce(400, scene)
    }
}

extension StreamError {
    /// Ends a scorer at once, as if it were killed: what it has begun stays as it is.
    fileprivate static let death = StreamError(.configuration, "killed", remedy: "")
}
