import ArgumentParser
import Foundation
import KafkaClient
import Learning
import ModelStore
import Streaming
import TextRecognition

/// `freshet read IMAGE…`: reads lines of text or cards, by a version or by asking the scorer.
struct ReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Read lines of text or cards in pictures (PNG, JPEG) by a version of a reader.",
        discussion: """
            A version is read from the store, and where there is none the model that comes with \
            Freshet; no broker is needed. With --live the pictures go to the scorer through the \
            topics. With --cards a picture is a photograph in which cards are looked for; that \
            there is none is an answer, too. Exit status 1 when a picture cannot be read, after all \
            others were; 3 when no scorer answers in time.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(
        help: ArgumentHelp("Files with one line of text each, or photographs.", valueName: "image")
    )
    var images: [String]

    @Option(
        help: "The form of the text, such as '[A-Z]{2}\\d{7}': the likeliest such text is read."
    )
    var pattern: String?

    @Option(help: "How the text's last characters follow from the others.")
    var checkDigit: CheckDigit?

    @Flag(help: "Find the cards in photographs, and read their fields.")
    var cards = false

    @Option(help: "With --cards: read every card as one of this design, such as passport.")
    var template: String?

    @Option(
        name: .customLong("version"),
        help: ArgumentHelp(
            "The version: its number, latest, an alias such as champion, or base. Default latest.",
            valueName: "version"
        )
    )
    var chosenVersion: String?

    @Flag(help: "Ask the scorer through the topics, in place of a version in the store.")
    var live = false

    @Option(help: ArgumentHelp("How long to wait for each answer.", valueName: "duration"))
    var timeout = TimeSpan(.seconds(5))

    @Flag(help: "Print a JSON object for each picture.")
    var json = false

    /// What is printed of a picture.
    private struct Line: Encodable {
        let file: String
        let reading: TextPrediction

        private enum CodingKeys: CodingKey { case file }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(file, forKey: .file)
            try reading.encode(to: encoder)
        }
    }

    func validate() throws {
        if cards && (pattern != nil || checkDigit != nil) {
            throw ValidationError(
                "--pattern and --check-digit are for lines; with --cards the designs declare them"
            )
        }
        if template != nil && !cards { throw ValidationError("--template needs --cards") }
        let known = CardTemplate.builtIn.map(\.name)
        if let template, !known.contains(template) {
            throw ValidationError(
                "--template is \"\(template)\", expected one of \(known.joined(separator: ", "))"
            )
        }
    }

    func run() throws {
        let effective = try common.load()
        let format = try self.format()
        let read = live ? try asking(effective) : try loading(effective, format)
        let lines = try images.map { file in Line(file: file, reading: try read(file)) }
        try StandardOutput.print(
            each: lines,
            json: json,
            table(of: lines).lines
        )
        let refused = lines.count { $0.reading.error != nil }
        guard refused > 0 else { return }
        throw CommandFailure(
            .failure,
            "\(refused) of \(lines.count) pictures could not be read",
            remedy: "what is wrong with each is printed beside it"
        )
    }

    private func table(of lines: [Line]) -> TextTable {
        cards
            ? TextTable(
                ["FILE", "CARD", "FIELD", "TEXT", "CONFIDENCE"],
                lines.flatMap { $0.reading.cardRows(of: $0.file) }
            )
            : TextTable(
                ["FILE", "TEXT", "CONFIDENCE"],
                lines.map { [$0.file, $0.reading.text ?? "", $0.reading.remark] }
            )
    }

    /// Nil when every text may be.
    private func format() throws(CommandFailure) -> FieldFormat? {
        guard pattern != nil || checkDigit != nil else { return nil }
        do throws(TextRecognitionError) {
            return FieldFormat(
                pattern: try pattern.map { text throws(TextRecognitionError) in
                    try FieldPattern(text)
                },
                checkDigit: checkDigit
            )
        } catch {
            throw CommandFailure(.misuse, error.message, remedy: error.remedy)
        }
    }

    /// Reads with a version from the store.
    private func loading(
        _ effective: EffectiveConfiguration,
        _ format: FieldFormat?
    ) throws -> (String) throws -> TextPrediction {
        let configured = effective.configuration.model
        let name = configured.kind == .reader ? configured.name : common.model ?? "reader"
        if try isBaseMeant(effective, name) {
            return reading(try TextReaderModel(settings: ReaderSettings()), "base", 0, format)
        }
        let store = try effective.modelStore(mustExist: true)
        try store.requireModel(name)
        let version = try store.version(named: chosenVersion ?? "latest", of: name)
        guard let settings = try VersionLearner.settings(of: version) as? ReaderSettings else {
            throw CommandFailure(
                .failure,
                "model \"\(name)\" does not read",
                remedy: "name a reader with --model"
            )
        }
        let state = try VersionLearner.load(version, from: store)
        let model = try TextReaderModel(settings: settings, state: state.tensors)
        return reading(model, name, version.number, format)
    }

    /// Whether the model that comes with Freshet is asked for, or all there is.
    private func isBaseMeant(_ effective: EffectiveConfiguration, _ name: String) throws -> Bool {
        if let chosenVersion { return chosenVersion == "base" }
        guard common.model == nil else { return false }
        let directory = effective.configuration.store.directory
        if FileManager.default.fileExists(atPath: "\(directory)/store.sqlite"),
            try effective.modelStore(mustExist: true).models().contains(name)
        {
            return false
        }
        Messages.note("no model \"\(name)\" in \(directory): reading with the base model")
        return true
    }

    private func reading(
        _ model: TextReaderModel,
        _ name: String,
        _ version: Int64,
        _ format: FieldFormat?
    ) -> (String) throws -> TextPrediction {
        { file in
            let bytes = try Self.bytes(of: file)
            do throws(TextRecognitionError) {
                guard !cards else {
                    let found = try model.cards(file: bytes, template: template)
                    return TextPrediction(found, model: name, version: version)
                }
                let reading = try model.read(file: bytes, as: format)
                return TextPrediction(
                    reading,
                    format: format,
                    model: name,
                    version: version
                )
            } catch {
                return TextPrediction(error: error.description)
            }
        }
    }

    /// Reads by asking the scorer.
    private func asking(
        _ effective: EffectiveConfiguration
    ) throws -> (String) throws -> TextPrediction {
        try effective.topicDeclarations().verify(
            try effective.connectedAdmin(),
            timeout: effective.configuration.kafka.timeout.duration,
            roles: [.textRequests, .textPredictions]
        )
        let client = try RequestClient(effective, of: .reader)
        return { file in
            let request = "freshet-\(UUID().uuidString)"
            var headers = [RecordHeader(name: "request", text: request)]
            if cards { headers.append(RecordHeader(name: "picture", text: "cards")) }
            if let template { headers.append(RecordHeader(name: "template", text: template)) }
            if let pattern { headers.append(RecordHeader(name: "pattern", text: pattern)) }
            if let checkDigit {
                headers.append(RecordHeader(name: "check_digit", text: checkDigit.rawValue))
            }
            let answer = try client.ask(
                try Self.bytes(of: file),
                headers: headers,
                timeout: timeout.duration
            ) { bytes in
                let answer = TextPrediction(bytes: bytes)
                return answer?.request == request ? answer : nil
            }
            if let answer { return answer }
            throw CommandFailure(
                .unreachable,
                "no scorer answered within \(timeout.settingText)",
                remedy:
                    "start one with \"freshet score\" and model.kind reader, leave out --live, or "
                    + "wait longer with --timeout"
            )
        }
    }

    private static func bytes(of file: String) throws(CommandFailure) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: file)))
        } catch {
            throw CommandFailure(
                .failure,
                "\(file) cannot be read (\(error.localizedDescription))",
                remedy: "name a PNG or JPEG file"
            )
        }
    }
}
