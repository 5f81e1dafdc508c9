import Foundation
import Learning
import Testing

@testable import Recommendation

/// Learning steps beside finite differences of the loss they are said to descend.
struct GradientTests {
    private let k = 5
    private let userCount = 6
    private let itemCount = 9

    /// Parameters of a state as doubles.
    private func numbers(_ state: NamedTensors, _ name: String) throws -> [Double] {
        try state.values("model." + name, of: Float.self).map(Double.init)
    }

    private func texts(_ count: Int) -> [String] {
        var random = KeyedRandom(key: 11)
        return (0..<count).map { n in
            interaction(
                "u\(random.index(below: userCount))",
                "i\(random.index(below: itemCount))",
                value: Double(1 + random.index(below: 5)),
                at: n
            )
        }
    }

    /// The derivative of `loss` at each place of `parameters`.
    private func derivatives(
        _ parameters: [Double],
        _ loss: ([Double]) -> Double
    ) -> [Double] {
        let step = 1e-5
        return parameters.indices.map { index in
            var (above, below) = (parameters, parameters)
            above[index] += step
            below[index] -= step
            return (loss(above) - loss(below)) / (2 * step)
        }
    }

    private func expectStep(
        from before: [Double],
        to after: [Double],
        size: Double,
        against derivatives: [Double]
    ) {
        for index in before.indices {
            let moved = (before[index] - after[index]) / size
            #expect(abs(moved - derivatives[index]) < 2e-3 + 2e-3 * abs(derivatives[index]))
        }
    }

    @Test func `a step of the implicit learner follows the gradient of the softmax loss`() throws {
        var settings = RecommenderSettings(seed: 3, factors: k, initialScale: 0.6)
        settings.implicit.historyLength = 3
        settings.implicit.negatives = 6
        settings.implicit.regularization = 0
        // So large that it does not change, and steps are rate / sqrt(1e6) times the gradient.
        settings.implicit.initialAccumulator = 1e6
        settings.implicit.learningRate = 1
        var compared = 0
        for n in 20..<45 {
            let events = texts(n + 1)
            let learner = try ImplicitRecommender(settings: settings)
            learner.learn(decode(Array(events[..<n])).events)
            let before = learner.encode()
            let model = try RecommenderModel(settings: settings, state: before)
            let decoded = decode(events).events
            let user = model.users.row(decoded.user(at: n))
            let item = model.items.row(decoded.item(at: n))
            // New pairs of known ids only: a new row would have no place in the state before.
            guard user >= 0, item >= 0, !model.seen.contains(user, item) else { continue }
            let events2 = try ImplicitRecommender(settings: settings, state: before)
            events2.learn(decodeLast(events, settings))
            let after = events2.encode()
            var random = KeyedRandom(
                seed: settings.seed,
                purpose: 2,
                partition: 0,
                offset: Int64(n)
            )
            let drawn = (0..<6).map { _ in Int32(random.index(below: model.items.count)) }
            let candidates =
                [item] + drawn.filter { $0 != item && !model.seen.contains(user, $0) }
            let history = (0..<3).map { model.history[Int(user) * 3 + $0] }.filter { $0 >= 0 }
            let names = ["users.factors", "items.factors", "context.factors"]
            let starts = try names.map { try numbers(before, $0) }
            for (place, name) in names.enumerated() {
                let slopes = derivatives(starts[place]) { changed in
                    var all = starts
                    all[place] = changed
                    return softmaxLoss(all, user, candidates, history)
                }
                expectStep(
                    from: starts[place],
                    to: try numbers(after, name),
                    size: 1e-3,
                    against: slopes
                )
                compared += 1
            }
        }
        #expect(compared >= 15)
    }

    /// The last event only, at its own offset.
    private func decodeLast(
        _ texts: [String],
        _ settings: RecommenderSettings
    ) -> InteractionEvents {
        var events = InteractionEvents()
        var rejections: [Rejection] = []
        withEncoded(texts.map { Array($0.utf8) }) {
            ImplicitRecommender.decode(
                EncodedBatch(UnsafeBufferPointer(rebasing: $0.events.suffix(1))),
                settings: settings,
                into: &events,
                rejections: &rejections
            )
        }
        return events
    }

    private func softmaxLoss(
        _ parameters: [[Double]],
        _ user: Int32,
        _ candidates: [Int32],
        _ history: [Int32]
    ) -> Double {
        func row(_ matrix: Int, _ row: Int32) -> ArraySlice<Double> {
            parameters[matrix][(Int(row) * k)..<((Int(row) + 1) * k)]
        }
        var x = Array(row(0, user))
        for (gap, item) in history.enumerated() {
            for (f, y) in row(2, item).enumerated() { x[f] += pow(0.8, Double(gap)) * y }
        }
        let scores = candidates.map { zip(x, row(1, $0)).map(*).reduce(0, +) }
        return log(scores.map(exp).reduce(0, +)) - scores[0]
    }

    @Test func `a step of the explicit learner follows the gradient of the squared loss`() throws {
        var settings = RecommenderSettings(
            feedback: .explicit,
            seed: 3,
            factors: k,
            initialScale: 0.6
        )
        settings.explicit = .init(
            learningRate: 1e-3,
            regularization: 0.1,
            biasLearningRate: 1e-3,
            biasRegularization: 0.1,
            biasRateDecay: 0
        )
        for n in 20..<40 {
            let events = texts(n + 1)
            let learner = try ExplicitRecommender(settings: settings)
            learner.learn(decode(Array(events[..<n]), settings: settings).events)
            let before = learner.encode()
            let model = try RecommenderModel(settings: settings, state: before)
            let last = decodeLast(events, settings)
            let user = model.users.row(last.user(at: 0))
            let item = model.items.row(last.item(at: 0))
            guard user >= 0, item >= 0 else { continue }
            learner.learn(last)
            let after = learner.encode()
            let target = (Double(last.value(at: 0)) - model.ratings.mean) / model.ratings.spread
            let names = ["users.factors", "items.factors", "users.bias", "items.bias"]
            let starts = try names.map { try numbers(before, $0) }
            for (place, name) in names.enumerated() {
                let slopes = derivatives(starts[place]) { changed in
                    var all = starts
                    all[place] = changed
                    return squaredLoss(all, Int(user), Int(item), target)
                }
                expectStep(
                    from: starts[place],
                    to: try numbers(after, name),
                    size: 1e-3,
                    against: slopes
                )
            }
        }
    }

    private func squaredLoss(
        _ parameters: [[Double]],
        _ user: Int,
        _ item: Int,
        _ target: Double
    ) -> Double {
        let p = parameters[0][(user * k)..<((user + 1) * k)]
        let q = parameters[1][(item * k)..<((item + 1) * k)]
        let (bu, bi) = (parameters[2][user], parameters[3][item])
        let error = target - bu - bi - zip(p, q).map(*).reduce(0, +)
        let squares = (p + q + [bu, bi]).map { $0 * $0 }.reduce(0, +)
        return 0.5 * (error * error + 0.1 * squares)
    }
}

extension IDTable {
    fileprivate func row(_ id: String) -> Int32 {
        Array(id.utf8).withUnsafeBytes { find($0, hash: hash($0)) }
    }
}
