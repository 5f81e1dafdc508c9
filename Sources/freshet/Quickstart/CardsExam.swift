import Foundation
import KafkaClient
import Learning
import Streaming
import TextRecognition

/// Teaches a reader with labels, and finds out how well it reads, both through the topics.
///
/// Owned by one thread; its calls block.
final class CardsExam {
    /// Lines that are read, never learned, and what stands there.
    struct Sheet {
        fileprivate let lines: [(picture: [UInt8], text: String)]

        /// The first lines of a scenario under a seed of their own.
        init(_ scenario: CardScenario, count: Int) throws(TextRecognitionError) {
            let generator = try LineGenerator(scenario: scenario, seed: 0x6578_616D)
            lines = (0..<count).map { index in
                let line = generator.line(at: index)
                return (line.image.png(), line.text)
            }
        }
    }

    /// How long answers took, while nothing was learned and while something was.
    private(set) var idleTimes = RequestTimes()
    private(set) var busyTimes = RequestTimes()

    private let client: RequestClient
    private let producer: KafkaProducer
    private let labelsTopic: String
    private let labels: LineGenerator
    private let timeout: Duration
    /// Throws when there is a reason to give up.
    private let check: () throws -> Void
    private var sentCount = 0
    private var askedCount = 0

    /// Labels are those of `scenario`; nothing is sent yet.
    init(
        _ effective: EffectiveConfiguration,
        _ scenario: CardScenario,
        check: @escaping () throws -> Void
    ) throws {
        client = try RequestClient(effective, of: .reader)
        producer = try KafkaProducer(effective.kafkaSettings)
        labelsTopic = effective.topicNames.textLabels
        labels = try LineGenerator(scenario: scenario, seed: 0x6C65_6172)
        timeout = effective.configuration.kafka.timeout.duration
        self.check = check
    }

    /// How well the lines of a sheet are read now.
    func read(_ sheet: Sheet) throws -> ReadingErrors {
        var errors = ReadingErrors()
        for line in sheet.lines {
            let answer = try ask(line.picture, &idleTimes)
            errors.add(answer.text ?? "", truth: line.text)
        }
        return errors
    }

    /// Sends the next labels and waits until answers come from a model that has learned them.
    func learn(_ count: Int, asking sheet: Sheet) throws {
        for index in sentCount..<(sentCount + count) {
            let line = labels.line(at: index)
            try producer.send(
                OutgoingRecord(
                    topic: labelsTopic,
                    value: line.image.png(),
                    headers: [
                        RecordHeader(name: "text", text: line.text),
                        RecordHeader(name: "template", text: line.template),
                        RecordHeader(name: "field", text: line.field),
                    ]
                ),
                token: 0
            )
        }
        sentCount += count
        guard try producer.flush(timeout: timeout) else {
            throw CommandFailure(
                .unreachable,
                "the labels were not taken within \(TimeSpan(timeout).settingText)",
                remedy: "see whether the disk has room"
            )
        }
        for delivery in producer.takeDeliveries() {
            if let error = delivery.error { throw error }
        }
        let deadline = ContinuousClock.now + .seconds(30 * count)
        while true {
            let line = sheet.lines[askedCount % sheet.lines.count]
            if try ask(line.picture, &busyTimes).position ?? 0 >= sentCount { return }
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .failure,
                    "\(count) labels were not learned within \(30 * count) s",
                    remedy: "try again when the machine is less busy"
                )
            }
        }
    }

    private func ask(_ picture: [UInt8], _ times: inout RequestTimes) throws -> TextPrediction {
        try check()
        askedCount += 1
        let request = "exam-\(askedCount)"
        let begin = ContinuousClock.now
        let answer = try client.ask(
            picture,
            headers: [RecordHeader(name: "request", text: request)],
            timeout: .seconds(60)
        ) { bytes in
            let answer = TextPrediction(bytes: bytes)
            return answer?.request == request ? answer : nil
        }
        times.add(ContinuousClock.now - begin)
        guard let answer, answer.error == nil else {
            throw CommandFailure(
                .failure,
                answer?.error ?? "the scorer did not answer within 60 s",
                remedy: "try again with --set log.level=debug"
            )
        }
        return answer
    }
}

/// How long requests took.
struct RequestTimes: Sendable {
    private var milliseconds: [Double] = []

    mutating func add(_ time: Duration) { milliseconds.append(time / .milliseconds(1)) }

    /// A quantile in milliseconds; 0 without requests.
    func quantile(_ share: Double) -> Double {
        let sorted = milliseconds.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }
}
