import Foundation
import KafkaClient
import Streaming

/// Collects the answers to a proof's requests, and waits until every scorer answers with the last
/// version.
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

    /// The requests that were answered, once for each answer.
    ///
    /// Each partition of the requests is read by one scorer, and every scorer reads one at least:
    /// when requests in all partitions are answered with the last version, all scorers have it.
    /// `ids` are the requests sent so far; those asked here are added.
    func collect(_ ids: inout [String]) throws -> [String] {
        let answers = try ProveReader(names.recommendations, settings: settings)
        let producer = try KafkaProducer(settings)
        let partitions = try ProveReader(names.recommendRequests, settings: settings).ends().keys
            .map(\.partition)
        var answered: [String] = []
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
                answered.append(answer.request)
                if let partition = probes[answer.request], answer.version == version {
                    waiting.remove(partition)
                }
            }
            return waiting.isEmpty && answered.count >= asked.count
        }
        ids = asked
        return answered
    }
}
