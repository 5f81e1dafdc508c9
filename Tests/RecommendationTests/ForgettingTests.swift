import Learning
import Testing

@testable import Recommendation

/// A learner whose memory is full, seen from outside.
struct ForgettingTests {
    private func settings(limit: Int64 = 0) -> RecommenderSettings {
        var settings = RecommenderSettings(factors: 8, windowEvents: 100)
        settings.implicit.negatives = 5
        settings.implicit.historyLength = 4
        settings.memory.limit = ByteSize(bytes: limit)
        return settings
    }

    private func metric(_ name: String, _ learner: some Learner) -> Double {
        learner.metrics.first { $0.name == name }?.value ?? .nan
    }

    /// Learns events one at a time, so that every state is seen.
    private func learn<L: Learner>(
        _ learner: L,
        _ texts: [String],
        _ settings: RecommenderSettings,
        each body: () -> Void = {}
    ) where L.Events == InteractionEvents {
        for text in texts {
            learner.learn(decode([text], settings: settings).events)
            body()
        }
    }

    @Test(arguments: RecommenderSettings.Feedback.allCases)
    func `a hundred times more users than fit never take more than the limit`(
        feedback: RecommenderSettings.Feedback
    ) throws {
        var settings = settings(limit: feedback == .implicit ? 60_000 : 30_000)
        settings.feedback = feedback
        switch feedback {
        case .implicit: try soak(ImplicitRecommender(settings: settings), settings)
        case .explicit: try soak(ExplicitRecommender(settings: settings), settings)
        }
    }

    /// 20,000 users of few events and 30 of many, over items that come and go.
    private func soak<L: Learner>(_ learner: L, _ settings: RecommenderSettings) throws
    where L.Events == InteractionEvents, L.Settings == RecommenderSettings {
        var random = KeyedRandom(key: 12)
        var (largest, mostUsers) = (0.0, 0.0)
        for step in 0..<40_000 {
            let isRegular = random.index(below: 4) == 0
            let user = isRegular ? "regular\(random.index(below: 30))" : "user\(step / 2)"
            let item = "item\(step / 400 + random.index(below: 60))"
            let text = interaction(user, item, value: 3, at: step)
            learner.learn(decode([text], settings: settings).events)
            guard step % 10 == 0 else { continue }
            let bytes = metric("memory.bytes", learner)
            #expect(bytes <= Double(settings.memory.limit.bytes))
            largest = max(largest, bytes)
            mostUsers = max(mostUsers, metric("users", learner))
        }
        #expect(largest > 0.9 * Double(settings.memory.limit.bytes))
        #expect(mostUsers < 220)
        #expect(metric("evicted.users", learner) > 15_000)
        #expect(metric("evicted.items", learner) > 100)
        let restored = try L(settings: settings, state: learner.encode())
        #expect(metric("memory.bytes", restored) == metric("memory.bytes", learner))
    }

    @Test func `who came last stays, and who was forgotten starts again`() throws {
        let settings = settings(limit: 60_000)
        let learner = try ImplicitRecommender(settings: settings)
        learn(learner, [interaction("early", "a"), interaction("early", "b")], settings)
        learn(learner, (0..<2000).map { interaction("u\($0)", "i\($0 % 20)") }, settings)
        let evicted = metric("evicted.users", learner)
        #expect(evicted > 1000)
        #expect(
            answer(learner.model, "{\"request\":1,\"user\":\"early\"}").text?
                .contains("\"cold_start\":true") == true
        )
        #expect(
            answer(learner.model, "{\"request\":1,\"user\":\"u1999\"}").text?
                .contains("cold_start") == false
        )
        learn(learner, [interaction("early", "i3")], settings)
        let text = answer(
            learner.model,
            "{\"request\":1,\"user\":\"early\",\"count\":100,\"exclude_seen\":false}"
        ).text
        #expect(text?.contains("cold_start") == false)
        // Nothing is left of what it had: items that nobody has any more are not ranked.
        #expect(metric("repeats", learner) == 0)
    }

    @Test func `a forgotten item is in no answer, no history and no list`() throws {
        var settings = settings()
        settings.memory.expireItemsAfter = TimeSpan(.seconds(100))
        let learner = try ImplicitRecommender(settings: settings)
        var texts = [interaction("u", "old", at: 0), interaction("v", "old", at: 0)]
        texts += (0..<40).map { interaction("w\($0)", "kept", at: $0 * 1000) }
        texts += [interaction("u", "kept", at: 41_000)]
        learn(learner, texts, settings)
        #expect(metric("items", learner) == 2)
        learn(
            learner,
            (0..<80).map { interaction("x\($0)", "kept", at: 100_000 + $0 * 1000) },
            settings
        )
        #expect(metric("items", learner) == 1)
        #expect(metric("evicted.items", learner) == 1)
        for user in ["u", "v", "nobody"] {
            let request = "{\"request\":1,\"user\":\"\(user)\",\"exclude_seen\":false}"
            let text = answer(learner.model, request).text
            #expect(text?.contains("\"old\"") == false && text?.contains("\"kept\"") == true)
        }
        let history: [Int32] = try learner.encode().values("model.users.history")
        #expect(!history.contains(0))
        #expect(Set(history) == [-1, 1])
        // The row is used again, and what had been there is not there any more.
        learn(learner, [interaction("u", "new", at: 181_000)], settings)
        let text = answer(learner.model, "{\"request\":1,\"user\":\"v\"}").text
        #expect(text?.contains("\"new\"") == true)
        #expect(metric("items", learner) == 2 && learner.model.items.count == 2)
    }

    @Test func `users and items are let in when they have come often enough`() throws {
        var settings = settings()
        settings.memory.minimumUserEvents = 3
        settings.memory.minimumItemEvents = 2
        let learner = try ImplicitRecommender(settings: settings)
        let events = [("u", "a"), ("u", "a"), ("u", "b"), ("v", "b"), ("u", "b"), ("u", "a")]
        var users: [Double] = []
        for (user, item) in events {
            learn(learner, [interaction(user, item)], settings)
            users.append(metric("users", learner))
        }
        #expect(users == [0, 0, 0, 0, 1, 1])
        #expect(metric("not.admitted", learner) == 4)
        #expect(metric("items", learner) == 2)
        #expect(metric("events", learner) == 6)
    }

    @Test func `memory goes from users to items when items need it`() throws {
        let settings = settings(limit: 100_000)
        let learner = try ImplicitRecommender(settings: settings)
        learn(learner, (0..<2000).map { interaction("u\($0)", "only") }, settings)
        let (rows, bytes) = (learner.model.users.count, metric("memory.bytes", learner))
        #expect(bytes > 95_000)
        learn(learner, (0..<2000).map { interaction("u\($0 % 5)", "i\($0)") }, settings) {
            #expect(metric("memory.bytes", learner) <= 100_000)
        }
        #expect(learner.model.users.count < rows / 2)
        #expect(learner.model.items.usedCount > 80)
        let back = learner.model.items.count
        learn(learner, (0..<4000).map { interaction("w\($0)", "i1999") }, settings)
        #expect(learner.model.items.count < back)
    }

    @Test func `a limit that leaves no room is refused`() throws {
        let error = #expect(throws: LearningError.self) {
            try ImplicitRecommender(settings: settings(limit: 5000))
        }
        #expect(error.map { "\($0)" }?.contains("memory.limit is 5000B") == true)
    }
}
