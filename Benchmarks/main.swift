// What needs no broker: kernel, learners, top-K. Prints one JSON object; `Benchmarks/run` adds what
// goes through a broker, and the ratios. Arguments: a file of ratings, a file of implicit events; or
// `checkpoint`, `memory` or `recognizer` and what the script of that name in `Benchmarks` says.
import Foundation
import Learning
import Recommendation

let arguments = CommandLine.arguments
if arguments.count == 5, arguments[1] == "memory",
    let feedback = RecommenderSettings.Feedback(rawValue: arguments[2]),
    let limit = ByteSize(settingText: arguments[3])
{
    var settings = RecommenderSettings(feedback: feedback)
    settings.memory.limit = limit
    func measure<L: Learner>(_ learner: L.Type) throws -> [String: Double]
    where L.Settings == RecommenderSettings {
        let benchmark = MemoryBenchmark(learner, settings: settings)
        if let users = Int(arguments[4]) { return try benchmark.churn(users: users) }
        guard let lines = FileManager.default.contents(atPath: arguments[4]) else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try benchmark.quality(lines)
    }
    let found =
        try feedback == .explicit
        ? measure(ExplicitRecommender.self) : measure(ImplicitRecommender.self)
    let json = try JSONSerialization.data(withJSONObject: found, options: .sortedKeys)
    print(String(decoding: json, as: UTF8.self))
    exit(0)
}
if arguments.count == 7, arguments[1] == "checkpoint", let users = Int(arguments[5]),
    let items = Int(arguments[6])
{
    func measure<L: Learner>(_ learner: L.Type, _ feedback: RecommenderSettings.Feedback) throws
    where L.Settings == RecommenderSettings {
        let settings = RecommenderSettings(feedback: feedback)
        let benchmark = CheckpointBenchmark(
            learner,
            settings: settings,
            users: users,
            items: items
        )
        if arguments[2] == "load" {
            try benchmark.load(from: arguments[3])
        } else {
            try benchmark.run(in: arguments[3])
        }
        let json = try JSONSerialization.data(
            withJSONObject: benchmark.figures,
            options: .sortedKeys
        )
        print(String(decoding: json, as: UTF8.self))
    }
    if arguments[4] == "explicit" {
        try measure(ExplicitRecommender.self, .explicit)
    } else {
        try measure(ImplicitRecommender.self, .implicit)
    }
    exit(0)
}
if arguments.count == 5, arguments[1] == "recognizer", let batch = Int(arguments[2]),
    let width = Int(arguments[3]), let runs = Int(arguments[4])
{
    let found = try RecognizerBenchmark.milliseconds(batch: batch, width: width, runs: runs)
    let json = try JSONSerialization.data(withJSONObject: found, options: .sortedKeys)
    print(String(decoding: json, as: UTF8.self))
    exit(0)
}
guard arguments.count == 3, let ratings = FileManager.default.contents(atPath: arguments[1]),
    let interactions = FileManager.default.contents(atPath: arguments[2])
else {
    FileHandle.standardError.write(Data("usage: freshet-benchmarks RATINGS INTERACTIONS\n".utf8))
    exit(2)
}
var explicit = RecommenderSettings()
explicit.feedback = .explicit
var figures: [String: Double] = [:]
figures["kernel.cache"] = KernelBenchmark.updatesPerSecond(users: 300, items: 200, ahead: 8)
figures["kernel.memory"] = KernelBenchmark.updatesPerSecond(
    users: 100_000,
    items: 20_000,
    ahead: 8
)
let ratingsSpeed = try LearnerBenchmark.eventsPerSecond(
    ExplicitRecommender.self,
    lines: ratings,
    settings: explicit
)
figures["explicit.memory"] = ratingsSpeed.learn
figures["decode"] = ratingsSpeed.decodeOnly
figures["implicit.memory"] = try LearnerBenchmark.eventsPerSecond(
    ImplicitRecommender.self,
    lines: interactions,
    settings: RecommenderSettings()
).learn
for (name, items) in [("100k", 100_000), ("1M", 1_000_000)] {
    let times = try TopKBenchmark.milliseconds(items: items)
    figures["top10.\(name).single_ms"] = times.single
    figures["top10.\(name).batch64_ms"] = times.batched
}
let json = try JSONSerialization.data(withJSONObject: figures, options: .sortedKeys)
print(String(decoding: json, as: UTF8.self))
