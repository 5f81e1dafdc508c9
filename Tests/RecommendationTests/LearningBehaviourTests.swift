import Foundation
import Learning
import Testing

@testable import Recommendation

struct LearningBehaviourTests {
    private func small(_ feedback: RecommenderSettings.Feedback = .implicit) -> RecommenderSettings
    {
        var settings = RecommenderSettings(feedback: feedback, factors: 8)
        settings.implicit.negatives = 10
        return settings
    }

    private func metric(_ name: String, _ metrics: [Metric]) throws -> Double {
        try #require(metrics.first { $0.name == name }).value
    }

    /// Users of two groups who have the items of their group only.
    private func grouped(_ count: Int) -> [String] {
        var random = KeyedRandom(key: 3)
        return (0..<count).map { n in
            let user = random.index(below: 60)
            let item = random.index(below: 40) * 2 + user % 2
            return interaction("u\(user)", "i\(item)", value: user % 3 == 0 ? 5 : 1, at: n)
        }
    }

    @Test func `taste is learned and beats popularity`() throws {
        let learner = try ImplicitRecommender(settings: small())
        learner.learn(decode(grouped(1500)).events)
        let recall = try metric("last80.recall@10", learner.metrics)
        let popularity = try metric("last80.popularity.recall@10", learner.metrics)
        #expect(recall > 1.3 * popularity)
        #expect(try metric("evaluation.rate", learner.metrics) == 1)
    }

    @Test func `ratings are predicted better than by their mean`() throws {
        let settings = small(.explicit)
        let learner = try ExplicitRecommender(settings: settings)
        learner.learn(decode(grouped(3000), settings: settings).events)
        let error = try metric("last80.rmse", learner.metrics)
        #expect(error < 0.8 * (try metric("last80.mean.rmse", learner.metrics)))
        #expect(try metric("last80.mae", learner.metrics) <= error)
    }

    @Test func `repeated pairs are counted and, by default, neither learned nor scored`() throws {
        var settings = small()
        let once = grouped(300)
        for repeats in [RecommenderSettings.Repeats.ignored, .learned] {
            settings.implicit.repeats = repeats
            let learner = try ImplicitRecommender(settings: settings)
            learner.learn(decode(once).events)
            _ = learner.takeDelta()
            let scored = try metric("scored", learner.metrics)
            let repeated = try metric("repeats", learner.metrics)
            let before = learner.encode()
            learner.learn(decode(once).events)
            #expect(learner.eventCount == 600)
            #expect(try metric("repeats", learner.metrics) == repeated + 300)
            #expect(try metric("scored", learner.metrics) == scored)
            let isSame = learner.encode()["model.items.factors"] == before["model.items.factors"]
            #expect(isSame == (repeats == .ignored))
            #expect(learner.takeDelta().isEmpty == (repeats == .ignored))
        }
    }

    @Test func `a sampled evaluation scores about its share and estimates the same`() throws {
        var settings = small()
        let exact = try ImplicitRecommender(settings: settings)
        settings.evaluationRate = 0.3
        let sampled = try ImplicitRecommender(settings: settings)
        for learner in [exact, sampled] { learner.learn(decode(grouped(3000)).events) }
        let share =
            try metric("scored", sampled.metrics) / metric("scored", exact.metrics)
        #expect(abs(share - 0.3) < 0.05)
        #expect(try metric("evaluation.rate", sampled.metrics) == 0.3)
        let difference =
            try metric("recall@10", sampled.metrics) - metric("recall@10", exact.metrics)
        #expect(abs(difference) < 0.08)
        #expect(exact.encode()["model.items.factors"] == sampled.encode()["model.items.factors"])
    }

    @Test func `a model that diverged is reported and refuses to answer`() throws {
        let settings = small()
        let learner = try ImplicitRecommender(settings: settings)
        learner.learn(decode(grouped(200)).events)
        var state = learner.encode()
        var factors: [Float] = try state.values("model.items.factors")
        let shape = try #require(state["model.items.factors"]).shape
        for index in factors.indices { factors[index] = .nan }
        state["model.items.factors"] = Tensor(factors, shape: shape)
        let broken = try ImplicitRecommender(settings: settings, state: state)
        broken.learn(decode((0..<50).map { interaction("u\($0)", "i0", at: $0) }).events)
        #expect(try metric("diverged", broken.metrics) > 0)
        #expect(try metric("skipped.steps", broken.metrics) > 0)
        let recall = try metric("recall@10", broken.metrics)
        #expect(recall < (try metric("recall@10", learner.metrics)))
        let (text, refusal) = answer(broken.model, "{\"request\":\"r\",\"user\":\"u1\"}")
        #expect(refusal?.contains("diverged") == true)
        #expect(text?.contains("\"error\"") == true)
    }

    @Test func `one absurd rating does not wreck the model`() throws {
        let settings = small(.explicit)
        let learner = try ExplicitRecommender(settings: settings)
        let sane = grouped(2000)
        learner.learn(decode(sane, settings: settings).events)
        learner.learn(
            decode([interaction("u1", "i1", value: 1e6)], settings: settings).events
        )
        learner.learn(decode(sane, settings: settings).events)
        let state = learner.encode()
        let factors: [Float] = try state.values("model.items.factors")
        #expect(factors.allSatisfy { abs($0) < 5 })
        #expect(try metric("skipped.steps", learner.metrics) == 0)
    }

    @Test func `initial factors do not depend on when an id arrives`() throws {
        var settings = small()
        settings.implicit.learningRate = 1e-9
        let texts = (0..<50).map { interaction("u\($0)", "i\($0)", at: $0) }
        let forward = try ImplicitRecommender(settings: settings)
        forward.learn(decode(texts).events)
        let backward = try ImplicitRecommender(settings: settings)
        backward.learn(decode(Array(texts.reversed())).events)
        let (first, second) = (forward.model.itemFactors, backward.model.itemFactors)
        for row in 0..<Int32(50) {
            #expect((0..<8).allSatisfy { abs(first[row][$0] - second[49 - row][$0]) < 1e-7 })
        }
        let values = (0..<Int32(50)).flatMap { row in (0..<8).map { Double(first[row][$0]) } }
        let mean = values.reduce(0, +) / 400
        let deviation = (values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 400).squareRoot()
        #expect(abs(mean) < 0.01 && abs(deviation - settings.initialScale) < 0.007)
    }

    @Test func `many ids keep their rows while the table grows`() {
        let table = IDTable(seed: 4)
        for number in 0..<20_000 {
            let id = Array("\(number)-\(String(repeating: "x", count: number % 40))".utf8)
            id.withUnsafeBytes { id in
                #expect(table.find(id, hash: table.hash(id)) == IDTable.absent)
                #expect(table.insert(id, hash: table.hash(id)) == Int32(number))
            }
        }
        for number in stride(from: 0, to: 20_000, by: 7) {
            let id = Array("\(number)-\(String(repeating: "x", count: number % 40))".utf8)
            id.withUnsafeBytes { id in
                #expect(table.find(id, hash: table.hash(id)) == Int32(number))
            }
        }
    }
}

struct SettingsTests {
    @Test func `a setting out of range is named with its limits`() {
        let changes: [(String, (inout RecommenderSettings) -> Void)] = [
            ("factors", { $0.factors = 0 }), ("factors", { $0.factors = 1025 }),
            ("initialScale", { $0.initialScale = .nan }),
            ("maximumFutureMilliseconds", { $0.maximumFutureMilliseconds = -1 }),
            ("popularityHalfLifeEvents", { $0.popularityHalfLifeEvents = 0 }),
            ("windowEvents", { $0.windowEvents = 0 }),
            ("evaluationRate", { $0.evaluationRate = 1.1 }),
            ("implicit.historyLength", { $0.implicit.historyLength = -1 }),
            ("implicit.historyDecay", { $0.implicit.historyDecay = 2 }),
            ("implicit.negatives", { $0.implicit.negatives = 0 }),
            ("implicit.learningRate", { $0.implicit.learningRate = 0 }),
            ("implicit.initialAccumulator", { $0.implicit.initialAccumulator = -1 }),
            ("implicit.regularization", { $0.implicit.regularization = .infinity }),
            ("explicit.learningRate", { $0.explicit.learningRate = -0.1 }),
            ("explicit.maximumMagnitude", { $0.explicit.maximumMagnitude = 0 }),
        ]
        for (name, change) in changes {
            var settings = RecommenderSettings()
            change(&settings)
            let error = #expect(throws: LearningError.self) {
                try ImplicitRecommender(settings: settings)
            }
            #expect(error?.kind == .setting)
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test func `the wrong learner for the feedback is refused`() {
        #expect(throws: LearningError.self) {
            try ExplicitRecommender(settings: RecommenderSettings())
        }
        #expect(throws: LearningError.self) {
            try ImplicitRecommender(settings: RecommenderSettings(feedback: .explicit))
        }
    }

    @Test func `settings survive JSON and missing fields have their defaults`() throws {
        var settings = RecommenderSettings(feedback: .explicit, seed: .max, factors: 12)
        settings.implicit.repeats = .learned
        settings.explicit.biasRateDecay = 0.5
        let data = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(RecommenderSettings.self, from: data) == settings)
        let partial = Data("{\"factors\":32,\"implicit\":{\"negatives\":5}}".utf8)
        var expected = RecommenderSettings(factors: 32)
        expected.implicit.negatives = 5
        #expect(try JSONDecoder().decode(RecommenderSettings.self, from: partial) == expected)
    }

    @Test func `a state of another shape is refused`() throws {
        let settings = RecommenderSettings(factors: 8)
        let learner = try ImplicitRecommender(settings: settings)
        learner.learn(decode([interaction("u", "i")]).events)
        let state = learner.encode()
        for change: (inout RecommenderSettings) -> Void in [
            { $0.factors = 16 }, { $0.implicit.historyLength = 3 },
            { $0.implicit.historyLength = 0 },
        ] {
            var other = settings
            change(&other)
            #expect(throws: LearningError.self) {
                try ImplicitRecommender(settings: other, state: state)
            }
        }
        #expect(throws: LearningError.self) {
            try ExplicitRecommender(
                settings: RecommenderSettings(feedback: .explicit, factors: 8),
                state: state
            )
        }
    }
}
