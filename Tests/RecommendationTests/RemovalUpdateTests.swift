import Learning
import Testing

@testable import Recommendation

/// Updates that forget, move and add rows, damaged: refused as a whole.
struct RemovalUpdateTests {
    private static var settings: RecommenderSettings {
        var settings = RecommenderSettings(factors: 8, windowEvents: 100)
        settings.implicit.negatives = 5
        settings.implicit.historyLength = 40
        settings.memory.limit = ByteSize(bytes: 30_000)
        return settings
    }

    /// A state, the update after it, and the state then; the update removes, moves and adds rows.
    private static func update() throws -> (NamedTensors, NamedTensors, NamedTensors) {
        let learner = try ImplicitRecommender(settings: settings)
        var random = KeyedRandom(key: 31)
        var step = 0
        func learn(_ count: Int, users: Int) {
            for _ in 0..<count {
                let user = step / 3 + random.index(below: users)
                let item = step / 9 + random.index(below: 8)
                let text = interaction("u\(user)", "i\(item)", at: step)
                learner.learn(decode([text], settings: settings).events)
                step += 1
            }
        }
        learn(300, users: 30)
        for _ in 0..<40 {
            _ = learner.takeDelta()
            let before = learner.encode()
            learn(100, users: 10)
            let delta = learner.takeDelta()
            let names = [
                "users.removed", "users.moved", "users.ids.rows", "items.removed", "items.moved",
            ]
            if names.allSatisfy({ delta[$0]?.bytes.isEmpty == false }) {
                return (before, delta, learner.encode())
            }
        }
        throw LearningError(.tensor, "no update with everything", remedy: "change the stream")
    }

    private func answers(_ model: RecommenderModel) -> [String?] {
        (0..<200).map {
            answer(model, "{\"request\":1,\"user\":\"u\($0)\",\"exclude_seen\":\($0 % 2 == 0)}")
                .text
        }
    }

    @Test func `an update whose rows contradict the model changes nothing`() throws {
        let (state, delta, after) = try Self.update()
        let model = try RecommenderModel(settings: Self.settings, state: state)
        let before = answers(model)
        var refused = 0
        func refuse<Value: TensorElement>(_ name: String, _ values: [Value], _ shape: [Int]? = nil)
        {
            var damaged = delta
            damaged[name] = Tensor(values, shape: shape)
            refused += 1
            #expect(throws: LearningError.self, "\(name) \(values)") { try model.apply(damaged) }
        }
        for prefix in ["users.", "items."] {
            let removed: [Int32] = try delta.values(prefix + "removed")
            let moved: [Int32] = try delta.values(prefix + "moved")
            for wrong in [-1, Int32.max, Int32(1 << 20)] {
                refuse(prefix + "removed", (removed + [wrong]).sorted())
                refuse(prefix + "moved", [wrong] + moved.dropFirst(), [moved.count / 2, 2])
                refuse(
                    prefix + "moved",
                    [moved[0], wrong] + moved.dropFirst(2),
                    [moved.count / 2, 2]
                )
            }
            refuse(prefix + "removed", removed + removed.suffix(1))
            refuse(prefix + "removed", Array(removed.dropFirst()))
            refuse(prefix + "moved", moved + moved, [moved.count, 2])
            refuse(prefix + "moved", [moved[1], moved[0]], [1, 2])
            refuse(
                prefix + "ids.rows",
                try delta.values(prefix + "ids.rows", of: Int32.self).map { $0 + 1 }
            )
        }
        let size: [Int64] = try delta.values("size")
        for wrong in [-1, 0, size[0] + 1, Int64.max] {
            refuse("size", [wrong, size[1]])
            refuse("size", [size[0], wrong])
        }
        #expect(answers(model) == before && refused > 30)
        try model.apply(delta)
        let own = try RecommenderModel(settings: Self.settings, state: after)
        #expect(answers(model) == answers(own))
    }

    @Test func `an update with random bytes is refused, or leaves a model that answers`() throws {
        let (state, delta, _) = try Self.update()
        var random = KeyedRandom(key: 41)
        for name in delta.names {
            guard let tensor = delta[name], !tensor.bytes.isEmpty else { continue }
            for _ in 0..<6 {
                var bytes = tensor.bytes
                bytes[random.index(below: bytes.count)] ^= UInt8.random(in: 1...255, using: &random)
                var damaged = delta
                damaged[name] = Tensor(
                    elementType: tensor.elementType,
                    shape: tensor.shape,
                    bytes: bytes
                )
                let model = try RecommenderModel(settings: Self.settings, state: state)
                _ = try? model.apply(damaged)
                #expect(answers(model).count == 200)
            }
        }
    }
}
