import Foundation
import Learning
import Recommendation

/// Exact top-10 over all items, through the same call as a scorer's.
enum TopKBenchmark {
    /// Milliseconds of CPU time per request, one request at a time and 64 at a time.
    static func milliseconds(items: Int) throws -> (single: Double, batched: Double) {
        let users = 64
        var settings = RecommenderSettings()
        settings.feedback = .explicit
        settings.factors = 64
        let learner = try ExplicitRecommender(settings: settings)
        let lines = (0..<items).map { item in
            #"{"user":"u\#(item % users)","item":"i\#(item)","value":\#(item % 5 + 1),"timestamp":1}"#
        }.joined(separator: "\n")
        Data(lines.utf8).withUnsafeBytes { bytes in
            var decoded = ExplicitRecommender.Events()
            var rejections: [Rejection] = []
            LearnerBenchmark.split(bytes).withUnsafeBufferPointer {
                ExplicitRecommender.decode(
                    EncodedBatch($0),
                    settings: settings,
                    into: &decoded,
                    rejections: &rejections
                )
            }
            learner.learn(decoded)
        }
        let model = try RecommenderModel(settings: settings, state: learner.encode())
        let requests = (0..<users).map { #"{"request":"r\#($0)","user":"u\#($0)","count":10}"# }
        let stamp = ModelStamp(
            model: "m",
            version: 1,
            epoch: 1,
            sequence: 1,
            watermark: 1,
            position: 5
        )
        return Data(requests.joined(separator: "\n").utf8).withUnsafeBytes { bytes in
            let encoded = LearnerBenchmark.split(bytes)
            func answer(_ count: Int) {
                encoded.withUnsafeBufferPointer { all in
                    let batch = EncodedBatch(UnsafeBufferPointer(rebasing: all.prefix(count)))
                    let answers = model.answer(batch, stamp: stamp)
                    precondition(answers.allSatisfy { $0.refusal == nil }, "a request was refused")
                }
            }
            return (
                bestSeconds(runs: 5) { answer(1) } * 1000,
                bestSeconds(runs: 3) { answer(users) } * 1000 / Double(users)
            )
        }
    }
}
