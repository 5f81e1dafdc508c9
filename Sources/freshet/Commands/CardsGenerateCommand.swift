import ArgumentParser
import Foundation
import TextRecognition

/// `freshet cards generate`: synthetic photographs of cards, lines cut out of them, or events.
struct CardsGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write synthetic photographs of cards, or lines of text, with labels.",
        discussion: """
            Scenes are photographs of a desk with a card on it, sometimes none or several; lines \
            are cut so that one text is in them. Beside the pictures stands labels.jsonl: the \
            corners, fields and texts of each. With --events lines go out as JSON events instead, \
            as topic text-labels takes them. The same options give the same pictures with the same \
            versions of the fonts.
            """
    )

    /// Kinds of picture files.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case png, jpeg
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "What cards, print and camera are like.")
    var scenario = CardScenario.base

    @Option(help: "How many pictures or events, at most 10,000,000.")
    var count = 100

    @Option(help: "Everything random follows from it.")
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "A new directory for pictures and labels; for events a file, - for standard output.",
            valueName: "directory"
        )
    )
    var output: String?

    @Flag(help: "Make lines of text of all kinds in place of scenes.")
    var lines = false

    @Flag(help: "Write JSON events, each with a line of text; without --lines cut out of scenes.")
    var events = false

    @Option(help: "The kind of picture file.")
    var format = Format.png

    @Option(
        name: .customLong("template"),
        help: ArgumentHelp(
            "A template file, in place of the designs that come with Freshet; several times.",
            valueName: "file"
        )
    )
    var templates: [String] = []

    func validate() throws {
        if !(0...10_000_000).contains(count) {
            throw ValidationError("--count is \(count), expected 0 to 10000000")
        }
        if output == nil && !events {
            throw ValidationError("--output is missing: name a new directory, or use --events")
        }
        if lines && !templates.isEmpty {
            throw ValidationError("--template has no meaning with --lines: leave out one of them")
        }
    }

    func run() throws {
        _ = try common.load()
        let source = try pictures()
        let interruption = Interruption()
        var progress = Progress("Making", unit: events ? "events" : "pictures", total: count)
        defer { progress.finish() }
        let writer = try self.writer()
        for index in 0..<count {
            if interruption.isRequested { break }
            try writer.write(source(index), at: index)
            progress.update(index + 1)
        }
        try writer.finish()
        Messages.note(
            "\(grouped(writer.count)) \(events ? "events" : "pictures") written to "
                + "\(output ?? "standard output") (\(grouped(rate(writer.count, progress.elapsed)))/s)"
        )
        guard writer.count < count else { return }
        throw CommandFailure(
            .failure,
            "interrupted after \(grouped(writer.count)) of \(grouped(count))",
            remedy: "what is there is whole; the same command in another place makes all"
        )
    }

    private func writer() throws -> CardWriter {
        let name = "\(scenario.rawValue)-\(seed)"
        return try events
            ? CardWriter(eventsTo: output ?? "-", named: name, encode: encode)
            : CardWriter(directory: output ?? "", suffix: suffix, encode: encode)
    }

    private var suffix: String { format == .png ? "png" : "jpg" }

    private func encode(_ image: GrayImage) -> [UInt8] {
        // Lines are trained on: 90 adds nothing that one sees to what the camera did.
        format == .png ? image.png() : image.jpeg(quality: 90)
    }

    /// What there is at an index: a line, or a scene.
    private func pictures() throws -> (Int) -> CardPicture {
        if lines {
            let generator = try LineGenerator(scenario: scenario, seed: seed)
            return { .line(generator.line(at: $0)) }
        }
        let designs = try templates.map(Self.template)
        let generator = try CardGenerator(
            scenario: scenario,
            seed: seed,
            templates: designs.isEmpty ? CardTemplate.builtIn : designs
        )
        guard events else { return { .scene(generator.scene(at: $0)) } }
        var fields = CardFieldSource(generator)
        return { _ in .line(fields.next()) }
    }

    private static func template(_ path: String) throws(CommandFailure) -> CardTemplate {
        do {
            return try CardTemplate(json: [UInt8](try Data(contentsOf: URL(filePath: path))))
        } catch let error as TextRecognitionError {
            throw CommandFailure(.misuse, "\(path): \(error.message)", remedy: error.remedy)
        } catch {
            throw CommandFailure(
                .misuse,
                "the template \(path) cannot be read (\(error.localizedDescription))",
                remedy: "name a file that is there"
            )
        }
    }
}
