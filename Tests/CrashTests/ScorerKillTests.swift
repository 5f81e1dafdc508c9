import Foundation
import KafkaClient
import Streaming
import Synchronization
import Testing

/// Scorers that answer exactly once are killed while requests come in.
@Suite(.serialized) struct ScorerKillTests {
    private static let score = [
        "score", "--set", "scorer.exactly_once=true", "--set", "log.level=notice",
        // A member that was killed is missed until its session ends.
        "--set", "kafka.properties.session.timeout.ms=6000",
        "--set", "kafka.properties.transaction.timeout.ms=3000",
    ]

    @Test func `each request is answered once though scorer and broker are killed under load`()
        throws
    {
        let installation = try Installation()
        try installation.startBroker()
        _ = try installation.run(["topics", "apply"])
        _ = try installation.run(["events", "generate", "--events", "2000"])
        _ = try installation.run(["train", "--until-end"])
        try installation.start("scorer", Self.score)
        let settings = KafkaSettings(bootstrapServers: installation.address)
        let requests = Requests(settings)
        let answers = try Answers(settings)
        for round in 1...4 {
            let goal = answers.count + 300
            try wait("\(goal) answers (\(installation.log("scorer")))") {
                try answers.read()
                return answers.count >= goal
            }
            switch round {
            case 2:
                installation.kill9("broker")
                try installation.startBroker()
            case 4: try pauseBroker(installation)
            default:
                installation.kill9("scorer")
                try installation.start("scorer", Self.score)
            }
        }
        let sent = try requests.finish()
        #expect(sent > 1000)
        try wait("the other answers (\(installation.log("scorer")))") {
            try answers.read()
            return answers.count >= sent
        }
        #expect(installation.isRunning("scorer"), "\(installation.log("scorer"))")
        #expect(installation.stop("scorer") == 0, "\(installation.log("scorer"))")
        try answers.read()
        #expect(answers.count == sent)
        #expect(answers.repeated.isEmpty)
    }

    /// Stops the broker for longer than a transaction may last.
    private func pauseBroker(_ installation: Installation) throws {
        let failure = "requests are answered again"
        let told = installation.log("scorer").count
        installation.pause("broker")
        defer { installation.resume("broker") }
        // Each of these comes after a second or more.
        try wait("the scorer to try for long") {
            installation.log("scorer").dropFirst(told).components(separatedBy: failure).count > 4
        }
    }
}

/// Sends requests until told to stop; each is in the log once, as the producer is idempotent.
private final class Requests: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let count = Mutex<Result<Int, any Error>?>(nil)
    private let end = DispatchSemaphore(value: 0)

    init(_ settings: KafkaSettings) {
        Thread.detachNewThread { [self] in
            let result = Result { try run(settings) }
            count.withLock { $0 = result }
            end.signal()
        }
    }

    /// How many were sent, all of them acknowledged.
    func finish() throws -> Int {
        isOver.store(true, ordering: .relaxed)
        end.wait()
        return try count.withLock { $0 }?.get() ?? 0
    }

    private func run(_ settings: KafkaSettings) throws -> Int {
        let producer = try KafkaProducer(settings)
        var number = 0
        while !isOver.load(ordering: .relaxed) {
            let value = #"{"request":"r\#(number)","user":"u\#(number % 50)","count":3}"#
            try producer.send(
                OutgoingRecord(
                    topic: "recommend-requests",
                    key: Array("u\(number)".utf8),
                    value: Array(value.utf8)
                ),
                token: 0
            )
            number += 1
            if number.isMultiple(of: 5) { Thread.sleep(forTimeInterval: 0.01) }  // the load
        }
        guard try producer.flush(timeout: .seconds(60)), producer.takeDeliveries().isEmpty else {
            throw Failure("not all requests were delivered")
        }
        return number
    }
}

/// What readers of committed records see of the answers.
private final class Answers {
    private struct Answer: Decodable {
        let request: String
    }

    private let consumer: KafkaConsumer
    private var seen: Set<String> = []
    private(set) var repeated: [String] = []
    /// Different requests that were answered.
    var count: Int { seen.count }

    init(_ settings: KafkaSettings) throws {
        consumer = try KafkaConsumer(settings, topics: ["recommendations"])
        let partitions = try consumer.partitions(of: "recommendations", timeout: .seconds(120))
        try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
    }

    func read() throws {
        while true {
            let batch = try consumer.poll(maximumCount: 1000, timeout: .milliseconds(100))
            guard !batch.records.isEmpty else { return }
            for record in batch.records {
                let value = record.value.map { Data($0) } ?? Data()
                let answer = try JSONDecoder().decode(Answer.self, from: value)
                if !seen.insert(answer.request).inserted { repeated.append(answer.request) }
            }
        }
    }
}
