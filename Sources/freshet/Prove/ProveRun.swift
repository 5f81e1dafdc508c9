import Foundation
import KafkaClient
import ModelStore
import Streaming

/// A proof under way: processes at work on a stream, and whoever kills them.
///
/// Owned by one thread.
final class ProveRun {
    let options: ProveConfiguration.Options
    let folder: ProveFolder
    let configuration: ProveConfiguration
    let processes: ProveProcesses
    let store: ModelStore
    let ownsBroker: Bool
    private let interruption: Interruption
    private var senders: [ProveSender] = []
    /// The journal's length when the trainer was started last.
    private var mark: Int64 = 0

    /// How long a process may take to get on.
    static let patience = Duration.seconds(120)

    /// Prepares a proof, and starts the broker if it is ours.
    init(
        _ options: ProveConfiguration.Options,
        _ common: CommonOptions,
        _ folder: ProveFolder,
        _ interruption: Interruption
    ) throws {
        self.options = options
        self.folder = folder
        self.interruption = interruption
        ownsBroker = try common.bootstrap == nil && common.load().usesEmbeddedBroker
        try folder.declareTopics(partitions: options.partitions)
        if ownsBroker {
            (configuration, processes) = try Self.startBroker(common, folder, interruption)
        } else {
            let configuration = try ProveConfiguration(common, folder, port: nil)
            self.configuration = configuration
            processes = ProveProcesses(folder: folder, arguments: configuration.arguments(of:))
        }
        store = try configuration.effective.modelStore(mustExist: false)
    }

    var effective: EffectiveConfiguration { configuration.effective }
    var model: String { effective.configuration.model.name }

    /// Streams, kills, and looks at what is left.
    func run() throws -> ProveResult {
        defer {
            for sender in senders { sender.stop() }
            processes.end()
        }
        do {
            return try disturb()
        } catch let failure as CommandFailure where failure == .interrupted {
            processes.end()
            if !ownsBroker { try deleteTopics() }
            throw failure
        }
    }

    /// Deletes what was made on a broker that is not ours.
    func deleteTopics() throws {
        let names = effective.topicNames.all.map(\.name)
        for (_, error) in try effective.connectedAdmin().deleteTopics(names, timeout: .seconds(30))
        {
            if let error, error.kind != .unknownTopic { throw error }
        }
    }

    private func disturb() throws -> ProveResult {
        let begin = ContinuousClock.now
        let (effective, interruption) = (effective, interruption)
        try effective.verifyTopics(
            applying: true,
            waitingUntil: { interruption.isRequested }
        )
        try processes.start(.trainer)
        for index in 0..<options.scorers { try processes.start(.scorer(index)) }
        let events = sendEvents()
        let requests = sendRequests()
        senders = [events, requests]
        let steps = ProvePlan(
            ProvePlan.Settings(
                kills: options.kills,
                seed: options.seed,
                scorers: options.scorers,
                killsBroker: ownsBroker
            )
        ).steps
        var progress = Progress("Killing", unit: "kills", total: options.kills)
        for step in steps {
            try take(step)
            progress.update(processes.counts.total)
        }
        progress.finish()
        let disturbed = ContinuousClock.now - begin
        return try ProveEnding(self).run(events, requests, disturbed: disturbed)
    }

    // MARK: - The stream

    private func sendEvents() -> ProveSender {
        let (topic, seed) = (effective.topicNames.interactions, options.seed)
        return ProveSender("events", rate: options.rate, settings: effective.kafkaSettings) {
            var events = ProveEvents(topic: topic, seed: seed)
            return { events.next($0) }
        }
    }

    private func sendRequests() -> ProveSender {
        let topic = effective.topicNames.recommendRequests
        return ProveSender(
            "requests",
            rate: options.requestRate,
            settings: effective.kafkaSettings
        ) {
            { number in
                OutgoingRecord(
                    topic: topic,
                    key: Array("u\(number % 2000 + 1)".utf8),
                    value: Array(
                        #"{"request":"r\#(number)","user":"u\#(number % 2000 + 1)","count":3}"#.utf8
                    )
                )
            }
        }
    }

    // MARK: - Disturbance

    private func take(_ step: ProvePlan.Step) throws {
        if step.awaitsProgress {
            try wait(for: "the trainer to learn something") {
                try store.journalPosition(of: model) > mark
            }
        }
        try pass(step.wait)
        switch step.action {
        case .kill(let role):
            try processes.kill(role)
            try start(role)
        case .fault(let role, let place, let count):
            try processes.kill(role)
            try start(role, fault: "\(place):\(count)")
            let deadline = ContinuousClock.now + .seconds(3)
            while !processes.hasDied(role) {
                try look()
                guard ContinuousClock.now < deadline else {
                    try processes.kill(role)
                    break
                }
            }
            try start(role)
        case .takeOver(let role, let pause):
            try noteMark(role)
            try processes.takeOver(role, wakes: .now + pause)
        case .hang(let role, let pause):
            processes.hang(role, true)
            try pass(pause)
            processes.hang(role, false)
        }
    }

    private func start(_ role: ProveRole, fault: String? = nil) throws {
        try noteMark(role)
        try processes.start(role, fault: fault)
    }

    private func noteMark(_ role: ProveRole) throws {
        if role == .trainer { mark = try store.journalPosition(of: model) }
    }

    /// Lets everything run for a while.
    private func pass(_ duration: Duration) throws {
        let deadline = ContinuousClock.now + duration
        while ContinuousClock.now < deadline { try look() }
    }

    /// Waits for a condition; throws when it does not come true in time.
    func wait(for what: String, until isTrue: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + Self.patience
        while try !isTrue() {
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .failure,
                    "waited \(Self.patience) in vain for \(what)",
                    remedy: "see the logs in \(folder.path)/logs"
                )
            }
            try look()
        }
    }

    /// Looks after processes and senders, and rests a moment.
    private func look() throws {
        if interruption.isRequested { throw CommandFailure.interrupted }
        for sender in senders { if let error = sender.error { throw error } }
        try processes.check()
        usleep(2000)
    }

    // MARK: - The broker

    /// Starts a broker at a port that nobody has.
    ///
    /// Ports from 32768 on are given to whoever connects: a client that tries a port there again
    /// and again while its broker is away may get that very port for itself.
    private static func startBroker(
        _ common: CommonOptions,
        _ folder: ProveFolder,
        _ interruption: Interruption
    ) throws -> (ProveConfiguration, ProveProcesses) {
        for _ in 0..<20 {
            let port = Int.random(in: 20_000..<32_000)
            let configuration = try ProveConfiguration(common, folder, port: port)
            let processes = ProveProcesses(
                folder: folder,
                arguments: configuration.arguments(of:)
            )
            try processes.start(.broker)
            while processes.isRunning(.broker), !interruption.isRequested {
                guard folder.text(of: folder.output(.broker)).isEmpty else {
                    return (configuration, processes)
                }
                usleep(2000)
            }
            if interruption.isRequested { throw CommandFailure.interrupted }
            guard folder.text(of: folder.log(.broker)).contains("in use") else { break }
        }
        throw CommandFailure(
            .failure,
            "the broker did not start",
            remedy: "its last words: \(folder.tail(of: folder.log(.broker)))"
        )
    }
}

extension CommandFailure {
    /// Somebody wanted the command to end.
    static let interrupted = CommandFailure(
        .failure,
        "interrupted",
        remedy: "run it again for the result"
    )
}
