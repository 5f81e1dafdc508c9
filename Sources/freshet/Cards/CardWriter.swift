import Foundation
import TextRecognition

/// Writes pictures with their labels into a directory, or lines as events.
///
/// Owned by one thread.
final class CardWriter {
    /// How many were written.
    private(set) var count = 0
    private let labels: LineWriter
    private let encode: (GrayImage) -> [UInt8]
    /// Where pictures go, and how their names end; nil for events.
    private let directory: (path: String, suffix: String)?
    /// What the ids of events begin with.
    private let name: String

    /// Makes a directory for pictures, which may be there if it has no labels yet.
    init(
        directory: String,
        suffix: String,
        encode: @escaping (GrayImage) -> [UInt8]
    ) throws(CommandFailure) {
        let labelsPath = "\(directory)/labels.jsonl"
        guard !FileManager.default.fileExists(atPath: labelsPath) else {
            throw CommandFailure(
                .failure,
                "\(labelsPath) is there already",
                remedy: "choose another directory, or remove this one"
            )
        }
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
        } catch {
            throw CommandFailure(
                .failure,
                "the directory \(directory) cannot be made (\(error.localizedDescription))",
                remedy: "choose another one or correct the permissions"
            )
        }
        labels = try .file(labelsPath)
        self.encode = encode
        self.directory = (directory, suffix)
        name = ""
    }

    /// Opens a file for events, or standard output for `-`.
    init(
        eventsTo path: String,
        named name: String,
        encode: @escaping (GrayImage) -> [UInt8]
    ) throws(CommandFailure) {
        labels = path == "-" ? .standardOutput() : try .file(path)
        self.encode = encode
        directory = nil
        self.name = name
    }

    /// Writes what was made at an index.
    func write(_ picture: CardPicture, at index: Int) throws(CommandFailure) {
        let bytes = encode(picture.image)
        if let directory {
            let file = Self.padded(index) + "." + directory.suffix
            try Self.write(bytes, to: "\(directory.path)/\(file)")
            switch picture {
            case .line(let line): try labels.line(JSONOutput.line(LineLabel(file, line)))
            case .scene(let scene): try labels.line(JSONOutput.line(SceneLabel(file, scene)))
            }
        } else if case .line(let line) = picture {
            let event = TextLabelEvent(line, bytes, id: "\(name)-\(index)", index: index)
            try labels.line(JSONOutput.line(event))
        }
        count += 1
    }

    /// Waits until everything is written.
    func finish() throws(CommandFailure) { try labels.flush() }

    private static func padded(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: max(0, 7 - digits.count)) + digits
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
        do {
            try Data(bytes).write(to: URL(filePath: path))
        } catch {
            throw CommandFailure(
                .failure,
                "\(path) cannot be written (\(error.localizedDescription))",
                remedy: "see that the disk has room"
            )
        }
    }
}

/// A line of `labels.jsonl` for a line of text.
private struct LineLabel: Encodable {
    let file: String
    let text: String
    let template: String
    let field: String

    init(_ file: String, _ line: LabeledLine) {
        self.file = file
        text = line.text
        template = line.template
        field = line.field
    }
}

/// A line of `labels.jsonl` for a photograph.
private struct SceneLabel: Encodable {
    struct Field: Encodable {
        let name: String
        let text: String
        /// Left, top, width and height, in parts of the card.
        let box: [Double]
        let quad: [[Double]]
    }

    struct Card: Encodable {
        let template: String
        /// Clockwise from the upper left, in pixels.
        let quad: [[Double]]
        let fields: [Field]
    }

    let file: String
    let cards: [Card]

    init(_ file: String, _ scene: CardScene) {
        self.file = file
        cards = scene.cards.map { card in
            Card(
                template: card.template,
                quad: card.quad.places,
                fields: card.fields.map { field in
                    let box = field.box
                    return Field(
                        name: field.name,
                        text: field.text,
                        box: [box.x, box.y, box.width, box.height],
                        quad: field.quad.places
                    )
                }
            )
        }
    }
}

/// An event of topic `text-labels`.
private struct TextLabelEvent: Encodable {
    let id: String
    let image: String
    let text: String
    let template: String
    let field: String
    let timestamp: Int64

    /// Milliseconds of 2024-01-01; events come ten seconds apart, the same each time.
    private static let start: Int64 = 1_704_067_200_000

    init(_ line: LabeledLine, _ bytes: [UInt8], id: String, index: Int) {
        self.id = id
        image = Data(bytes).base64EncodedString()
        text = line.text
        template = line.template
        field = line.field
        timestamp = Self.start + 10_000 * Int64(index)
    }
}
