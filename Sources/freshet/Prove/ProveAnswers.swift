import Foundation
import KafkaClient
import Streaming

/// The answers to a proof's requests.
///
/// Owned by one thread.
struct ProveAnswers {
    private let run: ProveRun
    private let version: Int64
    private let names: TopicNames
    private let settings: KafkaSettings

    init(_ run: ProveRun, version: Int64) {
        self.run = run
        self.version = version
        names = run.effective.topicNames
        settings = run.effective.kafkaSettings
    }

    /// Waits until every request is answered, and every scorer answers with the last version.
    ///
    /// Each partition of the requests is read by one scorer, and every scorer reads one at least:
    /// when requests in all partitions are answered with the last version, all scorers have it.
    /// `ids` are the requests sent so far; those asked here are added.
    func wait(for ids: inout [String]) throws {
        let answers = try ProveReader(names.recommendations, settings: settings)
        let producer = try KafkaProducer(settings)
        let partitions = try ProveReader(names.recommendRequests, settings: settings).ends().keys
            .map(\.partition)
        var answered: Set<String> = []
        var asked = ids
        var waiting = Set(partitions)
        var probes: [String: Int32] = [:]
        var nextProbe = ContinuousClock.now
        let version = version
        try run.wait(for: "answers of the last version to \(ids.count) requests") {
            if ContinuousClock.now >= nextProbe, !waiting.isEmpty {
                for partition in waiting.sorted() {
                    let id = "last-\(partition)-\(probes.count)"
                    probes[id] = partition
                    asked.append(id)
                    try producer.send(
                        OutgoingRecord(
                            topic: names.recommendRequests,
                            partition: partition,
                            value: Array(#"{"request":"\#(id)","user":"u1","count":3}"#.utf8)
                        ),
                        token: 0
                    )
                }
                nextProbe = .now + .milliseconds(500)
            }
            try answers.readToEnd { record, _ in
                guard let answer = Recommendation(bytes: record.value.map(Array.init) ?? []) else {
                    return
                }
                answered.insert(answer.request)
                if let partition = probes[answer.request], answer.version == version {
                    waiting.remove(partition)
                }
            }
            return waiting.isEmpty && answered.count >= asked.count
        }
        ids = asked
    }

    /// The requests that were answered, once for each answer.
    func all() throws -> [String] {
        var answered: [String] = []
        let reader = try ProveReader(names.recommendations, settings: settings)
        try reader.readToEnd { record, _ in
            let answer = Recommendation(bytes: record.value.map(Array.init) ?? [])
            answered.append(answer?.request ?? "an answer that is none")
        }
        return answered
    }
}
