import Learning
import Recommendation
import Testing

/// Both recommenders pass the list of checks.
struct RecommenderConformance {
    /// 200 events of 25 users and 40 items, in groups of taste, with repeated pairs.
    private static var stream: EncodedStream {
        var random = KeyedRandom(key: 5)
        return EncodedStream(
            (0..<200).map { n in
                let user = random.index(below: 25)
                let item = random.index(below: 20) * 2 + user % 2
                let name = item == 3 ? "\"käse \\\"№\\\" 3\"" : "\(item)"
                let value = 1 + random.index(below: 5)
                return "{\"user\":\"u\(user)\",\"item\":\(name),\"value\":\(value),"
                    + "\"timestamp\":\(n * 1000)}"
            }
        )
    }

    private static var badEvents: EncodedStream {
        var events = EncodedStream([
            "", "not JSON", "[]", "{}", "{\"user\":\"a\",\"item\":\"b\"}",
            "{\"user\":\"a\",\"item\":\"b\",\"timestamp\":1.5,\"value\":1}",
            "{\"user\":\"a\",\"item\":\"b\",\"timestamp\":-1,\"value\":1}",
            "{\"user\":\"a\",\"item\":\"b\",\"timestamp\":1,\"value\":NaN}",
            "{\"user\":\"a\",\"item\":\"b\",\"timestamp\":1,\"value\":1e999}",
            "{\"user\":\"a\",\"item\":\"b\",\"timestamp\":1,\"value\":\"5\"}",
            "{\"user\":\"\",\"item\":\"b\",\"timestamp\":1,\"value\":1}",
            "{\"user\":null,\"item\":\"b\",\"timestamp\":1,\"value\":1}",
            "{\"user\":\"a\",\"user\":\"a\",\"item\":\"b\",\"timestamp\":1,\"value\":1}",
            "{\"user\":\"a\",\"item\":\"\(String(repeating: "x", count: 513))\",\"timestamp\":1,"
                + "\"value\":1}",
            "{\"user\":\"a\",\"item\":\"b\",\"timestamp\":99999999999999,\"value\":1}",
        ])
        events.values.append(nil)
        return events
    }

    private static var requests: EncodedStream {
        var texts = (0..<30).map { "{\"request\":\"r\($0)\",\"user\":\"u\($0)\"}" }
        texts += [
            "{\"request\":1,\"user\":\"u1\",\"count\":3,\"exclude_seen\":false,\"model\":\"m\"}",
            "{\"request\":\"a\",\"user\":\"u2\",\"candidates\":[3,\"5\",\"nothing\",5,7]}",
            "{\"request\":\"a\",\"user\":\"nobody\",\"candidates\":[3,\"5\",\"nothing\",5,7]}",
            "{\"request\":\"a\",\"user\":\"u2\",\"count\":0}",
            "{\"request\":\"a\",\"user\":\"u2\",\"model\":\"other\"}",
            "{\"user\":\"u2\"}", "{\"request\":", "",
        ]
        return EncodedStream(texts)
    }

    private static var settings: RecommenderSettings {
        var settings = RecommenderSettings(factors: 6, windowEvents: 50)
        settings.implicit.negatives = 8
        settings.implicit.historyLength = 3
        return settings
    }

    @Test(arguments: LearnerChecks<ImplicitRecommender>.Check.allCases)
    func `the implicit recommender conforms`(
        check: LearnerChecks<ImplicitRecommender>.Check
    ) throws {
        try run(check, Self.settings)
    }

    @Test(arguments: LearnerChecks<ImplicitRecommender>.Check.allCases)
    func `the implicit recommender conforms without history and with repeats, sampled`(
        check: LearnerChecks<ImplicitRecommender>.Check
    ) throws {
        var settings = Self.settings
        settings.implicit.historyLength = 0
        settings.implicit.repeats = .learned
        settings.evaluationRate = 0.3
        try run(check, settings)
    }

    @Test(arguments: LearnerChecks<ExplicitRecommender>.Check.allCases)
    func `the explicit recommender conforms`(
        check: LearnerChecks<ExplicitRecommender>.Check
    ) throws {
        var settings = Self.settings
        settings.feedback = .explicit
        let checks = LearnerChecks<ExplicitRecommender>(
            settings: settings,
            stream: Self.stream,
            badEvents: Self.badEvents,
            requests: Self.requests
        )
        try checks.run(check)
    }

    /// What 25 users and 40 items need, and no more than some of them.
    private static var crowded: RecommenderSettings {
        var settings = Self.settings
        // So that users and items take about the same.
        settings.implicit.historyLength = 40
        settings.memory.limit = ByteSize(bytes: 13_000)
        return settings
    }

    private static var crowdedAndStrict: RecommenderSettings {
        var settings = Self.crowded
        settings.memory.limit = ByteSize(bytes: 15_000)
        settings.memory.minimumUserEvents = 2
        settings.memory.minimumItemEvents = 3
        settings.memory.expireUsersAfter = TimeSpan(.seconds(40))
        settings.memory.expireItemsAfter = TimeSpan(.seconds(60))
        return settings
    }

    private static var forgetful: RecommenderSettings {
        var settings = Self.settings
        settings.implicit.repeats = .learned
        settings.memory.expireUsersAfter = TimeSpan(.seconds(12))
        settings.memory.expireItemsAfter = TimeSpan(.seconds(9))
        return settings
    }

    private static var crowdedExplicit: RecommenderSettings {
        var settings = Self.settings
        settings.feedback = .explicit
        settings.factors = 20
        settings.implicit.historyLength = 0
        settings.memory.limit = ByteSize(bytes: 14_000)
        settings.memory.minimumItemEvents = 2
        settings.memory.expireUsersAfter = TimeSpan(.seconds(50))
        settings.memory.expireItemsAfter = TimeSpan(.seconds(90))
        return settings
    }

    @Test(arguments: LearnerChecks<ImplicitRecommender>.Check.allCases)
    func `the implicit recommender conforms while memory is full`(
        check: LearnerChecks<ImplicitRecommender>.Check
    ) throws {
        try run(check, Self.crowded)
    }

    @Test(arguments: LearnerChecks<ImplicitRecommender>.Check.allCases)
    func `the implicit recommender conforms with admission, expiry and little memory`(
        check: LearnerChecks<ImplicitRecommender>.Check
    ) throws {
        try run(check, Self.crowdedAndStrict)
    }

    @Test(arguments: LearnerChecks<ImplicitRecommender>.Check.allCases)
    func `the implicit recommender conforms when users and items expire quickly`(
        check: LearnerChecks<ImplicitRecommender>.Check
    ) throws {
        try run(check, Self.forgetful)
    }

    @Test(arguments: LearnerChecks<ExplicitRecommender>.Check.allCases)
    func `the explicit recommender conforms while memory is full and users expire`(
        check: LearnerChecks<ExplicitRecommender>.Check
    ) throws {
        let checks = LearnerChecks<ExplicitRecommender>(
            settings: Self.crowdedExplicit,
            stream: Self.stream,
            badEvents: Self.badEvents,
            requests: Self.requests
        )
        try checks.run(check)
    }

    /// Or the tests above would show nothing.
    @Test func `each way to forget is taken by the stream of these tests`() throws {
        func metrics<L: Learner>(_ learner: L.Type, _ settings: L.Settings) throws -> [String:
            Double]
        {
            let checks = LearnerChecks<L>(
                settings: settings,
                stream: Self.stream,
                badEvents: Self.badEvents,
                requests: Self.requests
            )
            let metrics = try checks.trained().metrics
            return Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value) })
        }
        func expect(_ metrics: [String: Double], _ least: [String: Double]) {
            for (name, value) in least {
                #expect(metrics[name] ?? 0 >= value, "\(name) \(metrics)")
            }
        }
        expect(
            try metrics(ImplicitRecommender.self, Self.crowded),
            ["evicted.users": 5, "evicted.items": 5]
        )
        expect(
            try metrics(ImplicitRecommender.self, Self.crowdedAndStrict),
            ["evicted.users": 1, "evicted.items": 1, "not.admitted": 50]
        )
        expect(
            try metrics(ImplicitRecommender.self, Self.forgetful),
            ["evicted.users": 50, "evicted.items": 50]
        )
        expect(
            try metrics(ExplicitRecommender.self, Self.crowdedExplicit),
            ["evicted.users": 1, "evicted.items": 1, "not.admitted": 20]
        )
    }

    private func run(
        _ check: LearnerChecks<ImplicitRecommender>.Check,
        _ settings: RecommenderSettings
    ) throws {
        let checks = LearnerChecks<ImplicitRecommender>(
            settings: settings,
            stream: Self.stream,
            badEvents: Self.badEvents,
            requests: Self.requests
        )
        try checks.run(check)
    }
}
