import Foundation
import KafkaBroker
import KafkaClient
import Learning
import Logging
import ModelStore
import Pipeline
import Streaming

/// The end of a proof: everything comes to rest and is compared.
///
/// Owned by one thread.
struct ProveEnding {
    private let run: ProveRun
    private let effective: EffectiveConfiguration
    private let store: ModelStore
    private let processes: ProveProcesses

    init(_ run: ProveRun) {
        self.run = run
        effective = run.effective
        store = run.store
        processes = run.processes
    }

    /// Ends the stream and checks what came of it.
    func run(
        _ events: ProveSender,
        _ requests: ProveSender,
        disturbed: Duration
    ) throws -> ProveResult {
        Messages.note("looking at what is left")
        let events = try events.finish()
        let requests = try requests.finish()
        let found = try reader(.interactions).records()
        let version = try lastVersion(of: found)
        // One that has followed updates and one that has just loaded must be in the same state.
        try processes.kill(.scorer(0))
        try processes.start(.scorer(0))
        var ids = (0..<requests.count).map { "r\($0)" }
        let answers = ProveAnswers(run, version: version.number)
        try answers.wait(for: &ids)
        let scorers = try (0..<run.options.scorers).map { try finishScorer($0) }
        let ranges = try store.journal(of: run.model, from: 0).map(\.range)
        var checks = [
            ProveCheck(
                "every acknowledged event is in the topic once, at its place",
                .topic(events.places, found)
            ),
            ProveCheck("every event is in the journal once", .journal(ranges, found)),
            ProveCheck("every request is answered once", .answers(to: ids, try answers.all())),
        ]
        checks += try deadLetters(events)
        let trained = try trained(version, events, &checks)
        for (index, scorer) in scorers.enumerated() {
            checks.append(
                ProveCheck(
                    "scorer \(index) has the trainer's state",
                    scorer.stateHash ?? "none",
                    equals: trained.served
                )
            )
        }
        try finishBroker(&checks)
        return ProveResult(
            options: run.options,
            isExternal: !run.ownsBroker,
            counts: processes.counts,
            events: events.count,
            requests: ids.count,
            versions: version.number,
            seconds: disturbed / .seconds(1),
            trainedHash: trained.hash,
            replayedHash: trained.replayed,
            undisturbedHash: trained.undisturbed,
            servedHash: trained.served,
            scorers: scorers,
            checks: checks
        )
    }

    private func reader(_ role: TopicRole) throws -> ProveReader {
        try ProveReader(effective.topicNames[role], settings: effective.kafkaSettings)
    }

    /// Lets the trainer learn all events and finish.
    private func lastVersion(of found: [ProveRecord]) throws -> ModelVersion {
        try waitForJournal(of: found)
        try run.wait(for: "paused processes to notice that others took over") {
            !processes.hasZombies
        }
        try processes.finish(.trainer)
        guard let version = try store.newestVersion(of: run.model) else {
            throw CommandFailure(.failure, "no version was written", remedy: "see the logs")
        }
        return version
    }

    private func waitForJournal(of found: [ProveRecord]) throws {
        var ends: [Int32: Offset] = [:]
        for record in found {
            ends[record.partition] = max(ends[record.partition] ?? 0, record.offset + 1)
        }
        try run.wait(for: "the journal to hold all \(grouped(found.count)) events") {
            var next: [Int32: Offset] = [:]
            for position in try store.nextOffsets(of: run.model) {
                next[position.partition] = position.offset
            }
            return ends.allSatisfy { next[$0.key, default: 0] >= $0.value }
        }
    }

    /// What a scorer says in the end.
    private func finishScorer(_ index: Int) throws -> ProveResult.Scorer {
        try processes.finish(.scorer(index))
        let output = Data(run.folder.text(of: run.folder.output(.scorer(index))).utf8)
        return try JSONDecoder().decode(ProveResult.Scorer.self, from: output)
    }

    /// Every event that could not be read is in the dead letters, by its place.
    private func deadLetters(_ events: ProveSender.Ledger) throws -> [ProveCheck] {
        var letters: Set<ProvePlace> = []
        try reader(.deadLetters).readToEnd { _, headers in
            func number(_ name: String) -> Int64 {
                let value = headers.last { $0.name == name }?.value ?? []
                return Int64(String(decoding: value, as: UTF8.self)) ?? -1
            }
            letters.insert(
                ProvePlace(
                    partition: Int32(clamping: number("partition")),
                    offset: number("offset")
                )
            )
        }
        var faults = ProveFaults()
        for (number, place) in events.places.enumerated() {
            guard let place else { continue }
            let isUnreadable = ProveEvents.kind(number) == .unreadable
            if isUnreadable, !letters.contains(place) { faults.lost.append("\(number)") }
            if !isUnreadable, letters.contains(place) { faults.wrong.append("\(number)") }
        }
        return [ProveCheck("the dead letters hold what cannot be read, and only that", faults)]
    }

    /// Hashes of the state that was trained, and of those that must be equal to it.
    private struct Trained {
        var hash: String
        var served: String
        var replayed: String
        var undisturbed: String?
    }

    private func trained(
        _ version: ModelVersion,
        _ events: ProveSender.Ledger,
        _ checks: inout [ProveCheck]
    ) throws -> Trained {
        let state = try VersionLearner.load(version, from: store)
        let served = try WholeState(servedPartOf: state.tensors).hash
        let kinds = (0..<events.count).map(ProveEvents.kind)
        let copies = kinds.count { if case .copy = $0 { true } else { false } }
        checks += [
            ProveCheck(
                "the last version has learned all of the journal",
                version.journalPosition,
                equals: try store.journalPosition(of: run.model)
            ),
            ProveCheck(
                "every new event is learned",
                state.eventCount,
                equals: Int64(kinds.count { $0 == .new })
            ),
            ProveCheck(
                "every copy of an event is left out",
                state.metrics.first { $0.name == "duplicates" }?.value ?? 0,
                equals: Double(copies)
            ),
        ]
        let replay = try VersionRebuild(version, effective, store).run(output: nil)
        let hash = try WholeState(state.tensors).hash
        checks.append(
            ProveCheck(
                "a fresh replay of the journal gives the same state",
                replay.rebuiltHash,
                equals: hash
            )
        )
        var trained = Trained(hash: hash, served: served, replayed: replay.rebuiltHash)
        guard run.options.partitions == 1 else { return trained }
        let undisturbed = try undisturbedHash()
        trained.undisturbed = undisturbed
        checks.append(
            ProveCheck(
                "a trainer that nobody disturbed comes to the same state",
                undisturbed,
                equals: hash
            )
        )
        return trained
    }

    /// The state of a trainer that reads the same topic from beginning to end.
    private func undisturbedHash() throws -> String {
        let undisturbed = run.configuration.undisturbed
        var logger = undisturbed.logger("freshet.prove")
        logger.logLevel = .error
        try TrainerLoop.start(undisturbed, stopsAtEnd: true, logger: logger).join()
        let model = undisturbed.configuration.model.name
        guard let version = try store.newestVersion(of: model) else { return "none" }
        return try WholeState(try VersionLearner.load(version, from: store).tensors).hash
    }

    /// Stops the broker and reads all its data; deletes the topics of one that is not ours.
    private func finishBroker(_ checks: inout [ProveCheck]) throws {
        guard run.ownsBroker else { return try run.deleteTopics() }
        try processes.finish(.broker)
        var findings: [String] = []
        let check = try DataCheck(run.folder.broker) { _ in
        } report: {
            findings.append($0.description)
        }
        try check.run()
        checks.append(
            ProveCheck(
                "the broker's data is undamaged",
                problem: check.summary.damageCount == 0
                    ? nil : findings.prefix(3).joined(separator: ", ")
            )
        )
    }
}
