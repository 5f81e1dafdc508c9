import Learning
import Testing

extension LearnerChecks {
    func damagedDeltaIsRefused() throws {
        let half = stream.values.count / 2
        let learner = try trained(upTo: half)
        _ = learner.takeDelta()
        let replica = try L.Model(settings: settings, state: learner.encode())
        let before = answers(replica)
        learn(learner, stream, half..<stream.values.count)
        let delta = learner.takeDelta()
        for name in delta.names {
            var damaged = delta
            damaged[name] = nil
            #expect(throws: LearningError.self, "without \(name)") { try replica.apply(damaged) }
            guard let tensor = delta[name], !tensor.bytes.isEmpty else { continue }
            let width = tensor.elementType.byteCount
            damaged[name] = Tensor(
                elementType: tensor.elementType,
                shape: [tensor.bytes.count / width - 1],
                bytes: Array(tensor.bytes.dropLast(width))
            )
            #expect(throws: LearningError.self, "\(name) cut") { try replica.apply(damaged) }
        }
        #expect(same(answers(replica), before))
        try replica.apply(delta)
        let restored = try L.Model(settings: settings, state: learner.encode())
        #expect(same(answers(replica), answers(restored)))
    }

    func deltaOutOfOrderIsRefused() throws {
        let learner = try L(settings: settings)
        let third = stream.values.count / 3
        var deltas: [NamedTensors] = []
        for part in 0..<3 {
            learn(learner, stream, (part * third)..<((part + 1) * third))
            deltas.append(learner.takeDelta())
        }
        let replica = try L.Model(settings: settings)
        #expect(throws: LearningError.self) { try replica.apply(deltas[1]) }
        try replica.apply(deltas[0])
        #expect(throws: LearningError.self) { try replica.apply(deltas[0]) }
        #expect(throws: LearningError.self) { try replica.apply(deltas[2]) }
        try replica.apply(deltas[1])
        try replica.apply(deltas[2])
        let restored = try L.Model(settings: settings, state: learner.encode())
        #expect(same(answers(replica), answers(restored)))
    }

    /// Tensors left out, cut, and with random bytes: an error or a usable learner, never a trap.
    func damagedStateDoesNotTrap() throws {
        let state = try trained(upTo: min(60, stream.values.count)).encode()
        var random = KeyedRandom(key: 99)
        for name in state.names {
            guard let tensor = state[name] else { continue }
            var damaged = state
            damaged[name] = nil
            #expect(throws: LearningError.self, "without \(name)") {
                try L(settings: settings, state: damaged)
            }
            for _ in 0..<8 where !tensor.bytes.isEmpty {
                var bytes = tensor.bytes
                bytes[random.index(below: bytes.count)] ^= UInt8.random(in: 1...255, using: &random)
                damaged[name] = Tensor(
                    elementType: tensor.elementType,
                    shape: tensor.shape,
                    bytes: bytes
                )
                guard let learner = try? L(settings: settings, state: damaged) else { continue }
                learn(learner, stream, stream.indices.prefix(eventsAfterDamage))
                _ = learner.metrics
                _ = learner.encode()
                if let model = try? L.Model(settings: settings, state: damaged) {
                    _ = answers(model)
                }
            }
        }
    }

    func batchesAnswerAsSingleRequests() throws {
        let model = try L.Model(settings: settings, state: trained().encode())
        let together = answers(model)
        for index in requests.indices {
            let alone = requests.withEncoded(index..<(index + 1)) {
                model.answer($0, stamp: stamp)
            }
            #expect(same(alone, [together[index]]), "request \(index)")
        }
        #expect(together.contains { $0.refusal != nil && $0.value != nil })
        #expect(together.contains { $0.refusal != nil && $0.value == nil })
        #expect(together.contains { $0.refusal == nil && $0.value != nil })
    }

    func onlyAcceptedEventsAreCounted() throws {
        let learner = try L(settings: settings)
        let mixed = EncodedStream(values: badEvents.values + stream.values + badEvents.values)
        let rejections = learn(learner, mixed, mixed.indices, batch: 5)
        #expect(learner.eventCount == Int64(stream.values.count))
        #expect(rejections.count == 2 * badEvents.values.count)
        #expect(!learner.metrics.isEmpty)
        #expect(Set(learner.metrics.map(\.name)).count == learner.metrics.count)
    }

    func encodeIsACopy() throws {
        let half = stream.values.count / 2
        let learner = try trained(upTo: half)
        let state = learner.encode()
        let file = state.file
        learn(learner, stream, half..<stream.values.count)
        #expect(state.file == file)
        #expect(learner.encode().file != file)
    }
}
