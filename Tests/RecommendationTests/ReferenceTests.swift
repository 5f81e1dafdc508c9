import Foundation
import Learning
import Recommendation
import Testing

/// The learners beside Tests/Reference/recommenders.py, an independent double-precision version.
struct ReferenceTests {
    private struct Reference: Decodable {
        struct Event: Decodable {
            var user: String
            var item: String
            var value: Double
            var timestamp: Int

            init(from decoder: any Decoder) throws {
                var fields = try decoder.unkeyedContainer()
                user = try fields.decode(String.self)
                item = try fields.decode(String.self)
                value = try fields.decode(Double.self)
                timestamp = try fields.decode(Int.self)
            }
        }

        struct Figures: Decodable {
            var numbers: [String: Double] = [:]
            var arrays: [String: [Double]] = [:]

            init(from decoder: any Decoder) throws {
                let fields = try decoder.singleValueContainer().decode([String: OneOrMany].self)
                for (name, field) in fields {
                    switch field {
                    case .one(let number): numbers[name] = number
                    case .many(let array): arrays[name] = array
                    }
                }
            }
        }

        enum OneOrMany: Decodable {
            case one(Double)
            case many([Double])

            init(from decoder: any Decoder) throws {
                let field = try decoder.singleValueContainer()
                if let number = try? field.decode(Double.self) {
                    self = .one(number)
                } else {
                    self = .many(try field.decode([Double].self))
                }
            }
        }

        var events: [Event]
        var explicit: Figures
        var implicit: Figures
    }

    private func load() throws -> Reference {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Reference/recommenders.json")
        return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
    }

    private var settings: RecommenderSettings {
        var settings = RecommenderSettings(
            seed: 7,
            factors: 8,
            initialScale: 0.1,
            popularityHalfLifeEvents: 200
        )
        settings.implicit.historyLength = 4
        settings.implicit.negatives = 12
        settings.explicit.learningRate = 0.02
        settings.explicit.regularization = 0.05
        return settings
    }

    private func compare(
        _ state: NamedTensors,
        _ metrics: [Metric],
        _ reference: Reference.Figures,
        within: Double
    ) throws {
        #expect(reference.numbers.count >= 2 && reference.arrays.count >= 3)
        for (name, expected) in reference.numbers {
            let metric = try #require(metrics.first { $0.name == name })
            #expect(abs(metric.value - expected) < within, "\(name)")
        }
        for (name, expected) in reference.arrays {
            let values: [Float] = try #require(state["model." + name]?.values())
            try #require(values.count == expected.count)
            let worst = zip(values, expected).map { abs(Double($0) - $1) }.max() ?? 0
            #expect(worst < within, "\(name)")
        }
    }

    @Test func `biased factorization gives what the reference gives`() throws {
        let reference = try load()
        var settings = settings
        settings.feedback = .explicit
        let learner = try ExplicitRecommender(settings: settings)
        let texts = reference.events.map {
            interaction($0.user, $0.item, value: $0.value, at: $0.timestamp)
        }
        learner.learn(decode(texts, settings: settings).events)
        try compare(learner.encode(), learner.metrics, reference.explicit, within: 1e-4)
    }

    @Test func `sequence factorization gives what the reference gives`() throws {
        let reference = try load()
        let learner = try ImplicitRecommender(settings: settings)
        let texts = reference.events.map {
            interaction($0.user, $0.item, value: $0.value, at: $0.timestamp)
        }
        learner.learn(decode(texts, settings: settings).events)
        try compare(learner.encode(), learner.metrics, reference.implicit, within: 1e-4)
    }
}
