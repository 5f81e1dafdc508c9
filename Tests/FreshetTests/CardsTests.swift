import ArgumentParser
import Foundation
import Testing
import TextRecognition

@testable import freshet

@Suite struct CardsTests {
    private struct Label: Decodable {
        struct Card: Decodable {
            let template: String
            let quad: [[Double]]
        }
        let file: String
        let text: String?
        let cards: [Card]?
    }

    private struct Event: Decodable {
        let id: String
        let image: Data
        let text: String
        let template: String
        let field: String
        let timestamp: Int64
    }

    /// Runs the command into a new directory, and hands it over until it is removed.
    private func generated(
        _ arguments: [String],
        to name: String = "",
        _ body: (URL) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-cards-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appending(path: name).path
        let command = try CardsGenerateCommand.parse(arguments + ["--output", output])
        try command.run()
        try body(folder)
    }

    private func lines<Value: Decodable>(_ file: URL, as type: Value.Type) throws -> [Value] {
        try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"))
            .map { try JSONDecoder().decode(type, from: $0) }
    }

    @Test func `lines are written with their texts`() throws {
        try generated(["--lines", "--count", "5", "--seed", "9"]) { folder in
            let labels = try lines(folder.appending(path: "labels.jsonl"), as: Label.self)
            let generator = try LineGenerator(seed: 9)
            #expect(labels.count == 5)
            for (index, label) in labels.enumerated() {
                let bytes = [UInt8](try Data(contentsOf: folder.appending(path: label.file)))
                let expected = generator.line(at: index)
                #expect(label.text == expected.text)
                #expect(try GrayImage(decoding: bytes) == expected.image)
            }
        }
    }

    @Test func `scenes are written with their corners, as JPEG if asked for`() throws {
        try generated(["--count", "3", "--format", "jpeg", "--scenario", "new-font"]) { folder in
            let labels = try lines(folder.appending(path: "labels.jsonl"), as: Label.self)
            let generator = try CardGenerator(scenario: .newFont, seed: 1)
            #expect(labels.map(\.file) == ["0000000.jpg", "0000001.jpg", "0000002.jpg"])
            for (index, label) in labels.enumerated() {
                let scene = generator.scene(at: index)
                let bytes = [UInt8](try Data(contentsOf: folder.appending(path: label.file)))
                #expect(try GrayImage(decoding: bytes).width == scene.image.width)
                #expect(label.cards?.map(\.template) == scene.cards.map(\.template))
                for (written, card) in zip(label.cards ?? [], scene.cards) {
                    #expect(abs(written.quad[2][0] - card.quad.bottomRight.x) < 0.01)
                    #expect(abs(written.quad[2][1] - card.quad.bottomRight.y) < 0.01)
                }
            }
        }
    }

    @Test(arguments: [[], ["--lines"]])
    func `events hold a picture that can be read, and say what stands there`(
        more: [String]
    ) throws {
        try generated(["--events", "--count", "12"] + more, to: "events") { folder in
            let events = try lines(folder.appending(path: "events"), as: Event.self)
            #expect(events.map(\.id) == (0..<12).map { "base-1-\($0)" })
            #expect(
                zip(events, events.dropFirst()).allSatisfy { $1.timestamp - $0.timestamp == 10_000 }
            )
            for event in events {
                #expect(!event.text.isEmpty && !event.template.isEmpty && !event.field.isEmpty)
                _ = try GrayImage(decoding: [UInt8](event.image))
            }
        }
    }

    @Test func `the same options give the same bytes`() throws {
        func bytes() throws -> Data {
            var bytes = Data()
            try generated(["--events", "--count", "6", "--seed", "4"], to: "events") { folder in
                bytes = try Data(contentsOf: folder.appending(path: "events"))
            }
            return bytes
        }
        #expect(try bytes() == bytes())
    }

    @Test func `labels that are there are not written over`() throws {
        try generated(["--count", "0"]) { folder in
            let again = try CardsGenerateCommand.parse(["--count", "0", "--output", folder.path])
            let failure = #expect(throws: CommandFailure.self) { try again.run() }
            #expect(failure?.message.hasSuffix("labels.jsonl is there already") == true)
        }
    }

    @Test func `wrong options are refused before anything is made`() throws {
        for arguments in [
            ["--count", "-1", "--output", "x"], [], ["--scenario", "worse", "--output", "x"],
            ["--lines", "--template", "t", "--output", "x"],
        ] {
            #expect(throws: (any Error).self) { try CardsGenerateCommand.parse(arguments) }
        }
        let missing = try CardsGenerateCommand.parse(["--template", "/none", "--output", "/x/y"])
        let failure = #expect(throws: CommandFailure.self) { try missing.run() }
        #expect(failure?.status == .misuse)
    }

    @Test func `a model that pretrain writes is what evaluate reads`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-cards-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let small = ["--steps", "1", "--batch", "2", "--held-out", "2", "--seed", "3", "--output"]
        for name in ["first", "second"] {
            let output = folder.appending(path: name).path
            try CardsPretrainCommand.parse(small + [output]).run()
        }
        let first = folder.appending(path: "first")
        let bytes = try Data(contentsOf: first)
        #expect(bytes == (try Data(contentsOf: folder.appending(path: "second"))))
        #expect(bytes.count < 4_000_000)
        #expect(try RecognizerModel(bytes: [UInt8](bytes)).pretraining?.seed == 3)

        let reading = ["--scenario", "new-font", "--count", "2", "--weights", first.path]
        try CardsEvaluateCommand.parse(reading).run()
        #expect(throws: CommandFailure.self) {
            try CardsEvaluateCommand.parse(reading + ["--seed", "3"]).run()
        }
        try Data("text".utf8).write(to: first)
        #expect(throws: CommandFailure.self) { try CardsEvaluateCommand.parse(reading).run() }
    }

    @Test func `a model that cannot be written is refused before training`() throws {
        let long = ["--steps", "10000000", "--output"]
        for output in ["/nowhere/model", FileManager.default.temporaryDirectory.path] {
            #expect(throws: CommandFailure.self) {
                try CardsPretrainCommand.parse(long + [output]).run()
            }
        }
    }

    @Test func `reliability compares how sure readings are with how often they are right`() {
        var table = ReliabilityTable()
        for (text, confidence) in [("A", 0.7), ("B", 0.6), ("A B", 0.995)] {
            let reading = Reading(text: text, characterConfidences: [], confidence: confidence)
            table.add(reading, truth: text == "B" ? "C" : text.filter { $0 != " " })
        }
        #expect(table.bins.map(\.lines).reduce(0, +) == 3)
        #expect(abs(table.bins[1].confidence - 0.65) < 1e-12 && table.bins[1].share == 0.5)
        #expect(table.bins[6].share == 1)
        #expect(abs(table.calibrationError - (0.15 * 2 + 0.005) / 3) < 1e-12)
    }
}
