import Learning
import Testing

/// What must hold for every learner, as a list of checks over a small stream.
struct LearnerChecks<L: Learner> {
    /// The settings under test.
    var settings: L.Settings
    /// Good events.
    var stream: EncodedStream
    /// Events that must each be rejected.
    var badEvents: EncodedStream
    /// Requests, among them some that are refused.
    var requests: EncodedStream
    /// Events that are learned after each damage.
    var eventsAfterDamage = Int.max

    /// The checks, by name.
    enum Check: String, CaseIterable, Sendable {
        case sameSeedGivesTheSameBytes
        case batchCutsDoNotMatter
        case checkpointRoundTripIsIdentityAtEveryOffset
        case checkpointContinuesIdentically
        case replicaFromEmptyAnswersAsTheFinalState
        case replicaFromCheckpointAnswersAsTheFinalState
        case deltaIsEmptyWhenNothingChanged
        case badInputIsRejectedAndChangesNothing
        case decodeIsPure
        case damagedDeltaIsRefusedAsAWhole
        case deltaOutOfOrderIsRefused
        case damagedStateDoesNotTrap
        case batchesAnswerAsSingleRequests
        case onlyAcceptedEventsAreCounted
        case encodeIsACopy
        case incrementsRestoreTheState
        case restoredFromIncrementsContinuesIdentically
        case takingPartsChangesNothing
        case aFailedWriteIsMadeUpForByTheNext
        case partsComeToAnEnd
        case aWholeCheckpointCanBeginAtAnyTime
        case damagedIncrementIsRefusedAsAWhole
        case incrementOnTheWrongBaseIsRefused
        case damagedIncrementDoesNotTrap
    }

    let stamp = ModelStamp(
        model: "m",
        version: 3,
        epoch: 1,
        sequence: 9,
        watermark: 77,
        position: 5
    )

    func run(_ check: Check) throws {
        switch check {
        case .sameSeedGivesTheSameBytes: try sameSeedGivesTheSameBytes()
        case .batchCutsDoNotMatter: try batchCutsDoNotMatter()
        case .checkpointRoundTripIsIdentityAtEveryOffset: try roundTripAtEveryOffset()
        case .checkpointContinuesIdentically: try checkpointContinuesIdentically()
        case .replicaFromEmptyAnswersAsTheFinalState: try replicaFromEmpty()
        case .replicaFromCheckpointAnswersAsTheFinalState: try replicaFromCheckpoint()
        case .deltaIsEmptyWhenNothingChanged: try deltaIsEmptyWhenNothingChanged()
        case .badInputIsRejectedAndChangesNothing: try badInputChangesNothing()
        case .decodeIsPure: try decodeIsPure()
        case .damagedDeltaIsRefusedAsAWhole: try damagedDeltaIsRefused()
        case .deltaOutOfOrderIsRefused: try deltaOutOfOrderIsRefused()
        case .damagedStateDoesNotTrap: try damagedStateDoesNotTrap()
        case .batchesAnswerAsSingleRequests: try batchesAnswerAsSingleRequests()
        case .onlyAcceptedEventsAreCounted: try onlyAcceptedEventsAreCounted()
        case .encodeIsACopy: try encodeIsACopy()
        case .incrementsRestoreTheState: try incrementsRestoreTheState()
        case .restoredFromIncrementsContinuesIdentically: try incrementsContinueIdentically()
        case .takingPartsChangesNothing: try takingPartsChangesNothing()
        case .aFailedWriteIsMadeUpForByTheNext: try failedWriteIsMadeUpFor()
        case .partsComeToAnEnd: try partsComeToAnEnd()
        case .aWholeCheckpointCanBeginAtAnyTime: try wholeCheckpointCanBegin()
        case .damagedIncrementIsRefusedAsAWhole: try damagedIncrementIsRefused()
        case .incrementOnTheWrongBaseIsRefused: try incrementOnTheWrongBaseIsRefused()
        case .damagedIncrementDoesNotTrap: try damagedIncrementDoesNotTrap()
        }
    }

    // MARK: - Steps

    @discardableResult
    func learn(
        _ learner: L,
        _ stream: EncodedStream,
        _ range: Range<Int>,
        batch: Int = 1000
    ) -> [Rejection] {
        var rejections: [Rejection] = []
        var events = L.Events()
        for start in stride(from: range.lowerBound, to: range.upperBound, by: batch) {
            let end = min(start + batch, range.upperBound)
            stream.withEncoded(start..<end) {
                L.decode($0, settings: settings, into: &events, rejections: &rejections)
            }
            learner.learn(events)
        }
        return rejections
    }

    func trained(upTo count: Int? = nil, batch: Int = 1000) throws -> L {
        let learner = try L(settings: settings)
        learn(learner, stream, 0..<(count ?? stream.values.count), batch: batch)
        return learner
    }

    func answers(_ model: L.Model) -> [Answer] {
        requests.withEncoded(requests.indices) { model.answer($0, stamp: stamp) }
    }

    func same(_ left: [Answer], _ right: [Answer]) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { $0.value == $1.value && $0.refusal == $1.refusal }
    }

    // MARK: - Checks

    private func sameSeedGivesTheSameBytes() throws {
        #expect(try trained().encode().file == trained().encode().file)
        #expect(try trained().encode() != L(settings: settings).encode())
    }

    private func batchCutsDoNotMatter() throws {
        let whole = try trained().encode().file
        for batch in [1, 7, 64] {
            #expect(try trained(batch: batch).encode().file == whole, "batches of \(batch)")
        }
    }

    private func roundTripAtEveryOffset() throws {
        let learner = try L(settings: settings)
        for offset in stream.indices {
            learn(learner, stream, offset..<(offset + 1))
            let file = learner.encode().file
            let again = try L(settings: settings, state: Safetensors.decode(file).tensors)
            try #require(again.encode().file == file, "offset \(offset)")
            #expect(again.eventCount == learner.eventCount)
        }
    }

    private func checkpointContinuesIdentically() throws {
        let whole = try trained().encode().file
        for offset in stride(from: 0, to: stream.values.count, by: 13) {
            let state = try trained(upTo: offset).encode()
            let again = try L(settings: settings, state: state)
            learn(again, stream, offset..<stream.values.count)
            try #require(again.encode().file == whole, "offset \(offset)")
        }
    }

    private func replicaFromEmpty() throws {
        let learner = try L(settings: settings)
        let replica = try L.Model(settings: settings)
        try follow(learner, replica, from: 0)
    }

    private func replicaFromCheckpoint() throws {
        let half = stream.values.count / 2
        let learner = try trained(upTo: half)
        _ = learner.takeDelta()
        let replica = try L.Model(settings: settings, state: learner.encode())
        try follow(learner, replica, from: half)
    }

    /// Learns the rest in steps of growing size; the replica must follow exactly.
    private func follow(_ learner: L, _ replica: L.Model, from start: Int) throws {
        var start = start
        var step = 1
        while start < stream.values.count {
            let end = min(start + step, stream.values.count)
            learn(learner, stream, start..<end)
            let delta = try Safetensors.decode(learner.takeDelta().file).tensors
            try replica.apply(delta)
            let state = learner.encode()
            let restored = try L.Model(settings: settings, state: state)
            try #require(same(answers(replica), answers(restored)), "after \(end) events")
            var served = NamedTensors()
            for name in state.names where name.hasPrefix("model.") { served[name] = state[name] }
            try #require(replica.encode() == served, "after \(end) events")
            try #require(restored.encode() == served, "after \(end) events")
            (start, step) = (end, step + 3)
        }
    }

    private func deltaIsEmptyWhenNothingChanged() throws {
        let learner = try trained()
        #expect(!learner.takeDelta().isEmpty)
        #expect(learner.takeDelta().isEmpty)
        learner.learn(L.Events())
        #expect(learner.takeDelta().isEmpty)
        let restored = try L(settings: settings, state: learner.encode())
        #expect(restored.takeDelta().isEmpty)
        #expect(try L(settings: settings).takeDelta().isEmpty)
        let replica = try L.Model(settings: settings, state: learner.encode())
        let before = answers(replica)
        try replica.apply(NamedTensors())
        #expect(same(answers(replica), before))
    }

    private func badInputChangesNothing() throws {
        let learner = try trained()
        let before = learner.encode().file
        let rejections = learn(learner, badEvents, badEvents.indices)
        #expect(rejections.map(\.index) == Array(badEvents.indices))
        #expect(rejections.allSatisfy { !$0.reason.isEmpty && $0.reason.utf8.count < 500 })
        #expect(learner.encode().file == before)
    }

    private func decodeIsPure() throws {
        var rejections: [Rejection] = []
        var events = L.Events()
        let mixed = EncodedStream(values: badEvents.values + stream.values)
        var used = L.Events()
        stream.withEncoded(0..<9) {
            L.decode($0, settings: settings, into: &used, rejections: &rejections)
        }
        #expect(rejections.isEmpty)
        for _ in 0..<2 {
            rejections = []
            mixed.withEncoded(mixed.indices) {
                L.decode($0, settings: settings, into: &used, rejections: &rejections)
            }
            #expect(rejections.count == badEvents.values.count)
        }
        mixed.withEncoded(mixed.indices) {
            L.decode($0, settings: settings, into: &events, rejections: &rejections)
        }
        #expect(events.count == stream.values.count && events.timestamps == used.timestamps)
        let (left, right) = (try L(settings: settings), try L(settings: settings))
        left.learn(events)
        right.learn(used)
        #expect(left.encode().file == right.encode().file)
    }
}
