import Foundation
import Learning
import Testing

@testable import Recommendation

struct AnswerTests {
    private struct Shown: Decodable, Equatable {
        struct Item: Decodable, Equatable {
            var item: String
            var score: Float
        }
        var request: String
        var user: String
        var items: [Item]
        var model: String
        var version: Int64
        var sequence: Int64
        var watermark: Int64
        var position: Int64
        var cold_start: Bool?
        var unknown_candidates: [String]?
    }

    private func shown(_ model: RecommenderModel, _ request: String) throws -> Shown {
        let (text, refusal) = answer(model, request)
        #expect(refusal == nil)
        let data = Data(try #require(text).utf8)
        return try JSONDecoder().decode(Shown.self, from: data)
    }

    private func texts(users: Int, items: Int, events: Int) -> [String] {
        var random = KeyedRandom(key: 77)
        return (0..<events).map { n in
            let user = random.index(below: users)
            return interaction(
                "u\(user)",
                "i\(random.index(below: items / 2) * 2 + user % 2)",
                value: Double(1 + random.index(below: 5)),
                at: n
            )
        }
    }

    private func model(
        _ settings: RecommenderSettings,
        users: Int = 70,
        items: Int = 9000,
        events: Int = 3000
    ) throws -> RecommenderModel {
        let texts = texts(users: users, items: items, events: events)
        if settings.feedback == .explicit {
            let learner = try ExplicitRecommender(settings: settings)
            learner.learn(decode(texts, settings: settings).events)
            return learner.model
        }
        let learner = try ImplicitRecommender(settings: settings)
        learner.learn(decode(texts, settings: settings).events)
        return learner.model
    }

    private func small(_ feedback: RecommenderSettings.Feedback) -> RecommenderSettings {
        var settings = RecommenderSettings(feedback: feedback, factors: 8)
        settings.implicit.negatives = 10
        settings.implicit.historyLength = 2
        return settings
    }

    /// Every user's ranking from the checkpoint's tensors, by plain loops.
    private func ranking(
        _ model: RecommenderModel,
        user: Int,
        excludingSeen: Bool
    ) -> [(row: Int, score: Double)] {
        let k = model.settings.factors
        var x = (0..<k).map { Double(model.userFactors[Int32(user)][$0]) }
        for place in 0..<model.historyLength {
            let item = model.history[user * model.historyLength + place]
            guard item >= 0 else { break }
            for f in 0..<k {
                x[f] += pow(0.8, Double(place)) * Double(model.contextFactors[item][f])
            }
        }
        let seen = excludingSeen ? Set(model.seen[Int32(user)].map { Int($0) }) : []
        return (0..<model.items.count).filter { !seen.contains($0) }.map { row in
            var score = (0..<k).map { x[$0] * Double(model.itemFactors[Int32(row)][$0]) }
                .reduce(0, +)
            if model.settings.feedback == .explicit { score += Double(model.itemBiases[row]) }
            return (row, score)
        }.sorted { $0.score > $1.score }
    }

    @Test(arguments: RecommenderSettings.Feedback.allCases)
    func `answers hold the best of all items`(feedback: RecommenderSettings.Feedback) throws {
        let model = try model(small(feedback))
        #expect(model.items.count > 2 * ScoringBuffers.itemCount)
        for user in stride(from: 0, to: model.users.count, by: 9) {
            for excludingSeen in [true, false] {
                let best = ranking(model, user: user, excludingSeen: excludingSeen).prefix(25)
                let scores = Dictionary(uniqueKeysWithValues: best.map { ($0.row, $0.score) })
                let name = String(decoding: model.users[Int32(user)], as: UTF8.self)
                let shown = try shown(
                    model,
                    "{\"request\":\"r\",\"user\":\"\(name)\",\"count\":25,"
                        + "\"exclude_seen\":\(excludingSeen)}"
                )
                #expect(shown.items.count == 25)
                for (item, expected) in zip(shown.items, best) {
                    let row = Array(item.item.utf8).withUnsafeBytes {
                        model.items.find($0, hash: model.items.hash($0))
                    }
                    let score = try #require(scores[Int(row)])
                    #expect(abs(score - expected.score) < 1e-5)
                    if feedback == .implicit {
                        #expect(abs(Double(item.score) - expected.score) < 1e-5)
                    } else {
                        #expect((1...5).contains(item.score))
                    }
                }
            }
        }
    }

    @Test func `seventy requests at once get the answers that each alone gets`() throws {
        let model = try model(small(.implicit))
        let requests = (0..<75).map {
            Array("{\"request\":\($0),\"user\":\"u\($0)\",\"count\":\(1 + $0 * 13)}".utf8)
        }
        let stamp = ModelStamp(
            model: "m",
            version: 1,
            epoch: 1,
            sequence: 1,
            watermark: 1,
            position: 5
        )
        let together = withEncoded(requests) { model.answer($0, stamp: stamp) }
        for (index, request) in requests.enumerated() {
            let alone = withEncoded([request]) { model.answer($0, stamp: stamp)[0] }
            #expect(alone.value != nil && alone.value == together[index].value)
        }
    }

    @Test func `ties go to the item that came first`() throws {
        var settings = small(.implicit)
        settings.initialScale = 0
        let learner = try ImplicitRecommender(settings: settings)
        let items = (0..<600).map { interaction("u", "i\($0)", at: $0) }
        learner.learn(decode(items + [interaction("v", "i3", at: 1000)]).events)
        let shown = try shown(learner.model, "{\"request\":\"r\",\"user\":\"v\",\"count\":5}")
        #expect(shown.items.map(\.item) == ["i0", "i1", "i2", "i4", "i5"])
    }

    @Test func `an unknown user gets what is popular now`() throws {
        var settings = small(.implicit)
        settings.popularityHalfLifeEvents = 10
        let learner = try ImplicitRecommender(settings: settings)
        let old = (0..<40).map { interaction("a\($0)", "old", at: $0) }
        let new = (0..<20).map { interaction("b\($0)", "new", at: 100 + $0) }
        learner.learn(decode(old + new).events)
        let shown = try shown(learner.model, "{\"request\":\"r\",\"user\":\"nobody\"}")
        #expect(shown.items.map(\.item) == ["new", "old"])
        #expect(shown.cold_start == true)
        #expect(shown.items[0].score > 5)
    }

    @Test func `an unknown user of ratings gets the best rated within the range`() throws {
        let settings = small(.explicit)
        let learner = try ExplicitRecommender(settings: settings)
        let texts = (0..<60).map {
            interaction("a\($0 % 20)", "i\($0 % 3)", value: Double(1 + $0 % 3 * 2), at: $0)
        }
        learner.learn(decode(texts, settings: settings).events)
        let shown = try shown(learner.model, "{\"request\":\"r\",\"user\":\"nobody\"}")
        #expect(shown.items.map(\.item) == ["i2", "i1", "i0"])
        #expect(shown.items.allSatisfy { (1...5).contains($0.score) })
    }

    @Test func `only candidates are ranked, unknown ones are listed`() throws {
        let model = try model(small(.implicit), users: 10, items: 40, events: 100)
        let all = try shown(model, "{\"request\":\"r\",\"user\":\"u1\",\"count\":1000}")
        let some = all.items.enumerated().filter { $0.offset % 3 == 1 }.map(\.element)
        let list =
            (some.reversed().map { "\"\($0.item)\"" } + ["\"x\"", "\"\(some[0].item)\"", "9"])
            .joined(separator: ",")
        let shown = try shown(
            model,
            "{\"request\":\"r\",\"user\":\"u1\",\"count\":1000,\"candidates\":[\(list)]}"
        )
        #expect(shown.items == some)
        #expect(shown.unknown_candidates == ["x", "9"])
        let none = try self.shown(
            model,
            "{\"request\":\"r\",\"user\":\"u1\",\"candidates\":[]}"
        )
        #expect(none.items.isEmpty)
    }

    @Test func `an empty model gives an empty list and the stamp is in every answer`() throws {
        for feedback in RecommenderSettings.Feedback.allCases {
            let model = try RecommenderModel(settings: small(feedback))
            let shown = try shown(model, "{\"request\":\"r\\\"1\",\"user\":\"ü\\n\"}")
            #expect(
                shown
                    == Shown(
                        request: "r\"1",
                        user: "ü\n",
                        items: [],
                        model: "m",
                        version: 3,
                        sequence: 9,
                        watermark: 77,
                        position: 5,
                        cold_start: true
                    )
            )
        }
    }

    @Test(arguments: [
        ("{\"request\":\"r\",\"user\":\"u\",\"count\":0}", ["count is 0", "1 to 1000"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"count\":-1}", ["count is -1", "1 to 1000"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"count\":10000000}", ["10000000", "1 to 1000"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"count\":\"5\"}", ["count", "string"]),
        ("{\"count\":0,\"request\":\"r\",\"user\":\"u\"}", ["count is 0"]),
        ("{\"request\":\"r\"}", ["user is missing"]),
        ("{\"request\":\"r\",\"user\":\"\"}", ["user"]),
        ("{\"request\":\"r\",\"user\":[1]}", ["user", "array"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"user\":\"v\"}", ["user", "twice"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"exclude_seen\":1}", ["exclude_seen", "true"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"candidates\":{}}", ["candidates", "array"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"candidates\":[1.5]}", ["candidate", "1.5"]),
        ("{\"request\":\"r\",\"user\":\"u\",\"model\":\"x\"}", ["\"x\"", "\"m\""]),
    ])
    func `a refused request is told why`(request: String, parts: [String]) throws {
        let model = try RecommenderModel(settings: small(.implicit))
        let (text, refusal) = answer(model, request)
        for part in parts { #expect(refusal?.contains(part) == true, "\(refusal ?? "none")") }
        let data = Data(try #require(text).utf8)
        let fields = try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
        #expect(fields == ["request": "r", "error": refusal, "model": "m"])
    }

    @Test(arguments: ["", "{", "[]", "{\"user\":\"u\"}", "{\"request\":\"\",\"user\":\"u\"}"])
    func `an unreadable request gets no answer but a reason`(request: String) throws {
        let model = try RecommenderModel(settings: small(.implicit))
        let (text, refusal) = answer(model, request)
        #expect(text == nil)
        #expect(refusal?.isEmpty == false)
    }

    @Test func `a number as request is given back as a number`() throws {
        let model = try RecommenderModel(settings: small(.implicit))
        let (text, _) = answer(model, "{\"request\":12,\"user\":34}")
        #expect(text?.hasPrefix("{\"request\":12,\"user\":\"34\",\"items\":[]") == true)
    }
}
