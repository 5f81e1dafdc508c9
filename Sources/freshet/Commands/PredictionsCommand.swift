import Learning
import ArgumentParser
import KafkaClient
import Learning
import Streaming

/// `freshet predictions`: the answers of the scorers.
struct PredictionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predictions",
        abstract: "Watch what scorers answer.",
        subcommands: [PredictionsTailCommand.self]
    )
}

/// `freshet predictions tail`: prints answers as they come.
struct PredictionsTailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print answers as they come, until interrupted."
    )

    /// Where to begin.
    enum Start: String, CaseIterable, ExpressibleByArgument {
        /// At the first answer still in the log.
        case beginning
        /// With answers that come from now on.
        case end
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "Where to begin.")
    var from = Start.end

    @Option(help: "Stop after so many answers.")
    var limit: Int?

    @Flag(help: "Print answers as they came, one a line.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let timeout = effective.configuration.kafka.timeout.duration
        let topic = effective.modelTopics.answers
        try effective.topicDeclarations().verify(
            try effective.connectedAdmin(),
            timeout: timeout,
            roles: [effective.configuration.model.kind.topics.answers]
        )
        let consumer = try KafkaConsumer(effective.kafkaSettings, topics: [topic])
        var positions: [TopicPartition: Offset] = [:]
        for partition in try consumer.partitions(of: topic, timeout: timeout) {
            let marks = try consumer.watermarks(of: partition, timeout: timeout)
            positions[partition] = from == .beginning ? marks.first : marks.end
        }
        try consumer.assign(positions)
        try tail(consumer, of: effective.configuration.model.kind, Interruption())
    }

    private func tail(
        _ consumer: KafkaConsumer,
        of kind: ModelKind,
        _ interruption: Interruption
    ) throws {
        let output = LineWriter.standardOutput()
        var rest = limit ?? Int.max
        while !interruption.isRequested && rest > 0 && output.hasReader {
            let batch = try consumer.poll(
                maximumCount: min(rest, 1000),
                timeout: .milliseconds(200)
            )
            for record in batch.records {
                try output.line(text(record.value.map(Array.init) ?? [], of: kind))
                rest -= 1
            }
            try output.flush()
            for notice in consumer.takeNotices() {
                if case .disconnected(let text) = notice { Messages.note("\(text); trying again") }
                if case .connected = notice { Messages.note("connected again") }
            }
        }
    }

    private func text(_ value: [UInt8], of kind: ModelKind) -> String {
        let summary =
            switch kind {
            case .recommender: Recommendation(bytes: value)?.summary
            case .reader: TextPrediction(bytes: value)?.summary
            }
        return json
            ? String(decoding: value, as: UTF8.self)
            : summary ?? String(decoding: value, as: UTF8.self)
    }
}
