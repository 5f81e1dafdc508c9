import Foundation
import Learning
import Testing

@testable import TextRecognition

/// What the reader learns, on pictures simple enough for a small network.
@Suite struct TextReaderTests {
    /// Two digits of bars; the second design is printed white on black, with other bars.
    private func label(_ number: Int, design: Int) -> Label {
        var random = KeyedRandom(
            seed: 9,
            purpose: 1,
            partition: Int32(design),
            offset: Int64(number)
        )
        let digits = [random.index(below: 4), random.index(below: 4)]
        var image = GrayImage(width: 40, height: 32, filledWith: design == 0 ? 210 : 40)
        for (place, digit) in digits.enumerated() {
            for y in 4..<28 {
                for x in 2..<16 {
                    let isInk =
                        design == 0
                        ? (x / 4 + digit * (y / 12)) % 4 == digit : (y / 6 + digit) % 4 == x / 4
                    if isInk { image[place * 20 + x, y] = design == 0 ? 50 : 200 }
                }
            }
        }
        for index in image.pixels.indices {
            image.pixels[index] = image.pixels[index] &+ UInt8(random.index(below: 16))
        }
        return Label(
            image: image,
            text: digits.map(String.init).joined(),
            template: "design\(design)",
            field: "number",
            document: [],
            timestamp: Int64(number),
            identity: .none,
            partition: Int32(design),
            offset: Int64(number)
        )
    }

    private func learn(_ reader: TextReader, _ numbers: Range<Int>, design: Int) {
        var events = LabelEvents()
        for number in numbers { events.append(label(number, design: design)) }
        reader.learn(events)
    }

    /// The part of fresh lines of a design that a scorer misreads.
    private func error(_ reader: TextReader, design: Int) throws -> Double {
        let model = try TextReaderModel(settings: reader.settings, state: reader.encode())
        let wrong = (10_000..<10_060).count { number in
            let line = label(number, design: design)
            return model.read(line.image).text != line.text
        }
        return Double(wrong) / 60
    }

    private func settings(replaying lines: Int) -> ReaderSettings {
        var settings = ReaderSettings()
        settings.widths = [8, 16, 16, 16, 24]
        settings.dilations = [1]
        settings.labelsPerUpdate = 8
        settings.stepsPerUpdate = 6
        settings.learningRate = 4e-3
        settings.headRate = 1
        settings.linesPerStep = lines
        return settings
    }

    @Test func `a form that is asked for is kept to, as far as it fits into the picture`() throws {
        let model = try TextReaderModel(settings: settings(replaying: 0))
        let line = label(1, design: 0).image
        for pattern in ["[A-Z]{2}", #"\d{3}"#, "AB-?[12]"] {
            let format = FieldFormat(pattern: try FieldPattern(pattern))
            let reading = model.read(line, as: format)
            #expect(reading.isValid)
            #expect(format.accepts(reading.text))
            #expect(reading == model.read(line, as: format))
        }
        let long = model.read(line, as: FieldFormat(pattern: try FieldPattern(#"\d{60}"#)))
        #expect(!long.isValid)
        #expect(long.text == model.read(line).text)
    }

    @Test func `synthetic lines of the base are learned with the labels, the same each time`()
        throws
    {
        var settings = settings(replaying: 0)
        settings.replay.baseLinesPerStep = 2
        let readers = try (0..<2).map { _ in try TextReader(settings: settings) }
        for reader in readers { learn(reader, 0..<3, design: 0) }
        #expect(readers[0].encode() == readers[1].encode())
        let other = try TextReader(settings: self.settings(replaying: 0))
        learn(other, 0..<3, design: 0)
        #expect(other.encode() != readers[0].encode())
    }

    @Test func `a reader begins with the model of a file`() throws {
        let first = try TextReader(settings: settings(replaying: 0))
        learn(first, 0..<3, design: 0)
        let file = FileManager.default.temporaryDirectory
            .appending(path: "reader-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: file) }
        let model = try TextReaderModel(settings: first.settings, state: first.encode()).encode()
        try Data(Safetensors.encode(model).joined()).write(to: file)
        var settings = first.settings
        settings.start = .file(path: file.path)
        let second = try TextReader(settings: settings)
        #expect(second.eventCount == 0)
        let line = label(1, design: 0).image
        #expect(
            try TextReaderModel(settings: settings).read(line)
                == TextReaderModel(settings: first.settings, state: first.encode()).read(line)
        )
        settings.start = .file(path: "/nowhere")
        #expect(throws: LearningError.self) { try TextReader(settings: settings) }
    }

    @Test func `what is new is learned, and with replay the old is not forgotten`() throws {
        var forgotten: [Double] = []
        for lines in [0, 16] {
            let reader = try TextReader(settings: settings(replaying: lines))
            learn(reader, 0..<240, design: 0)
            let before = try error(reader, design: 0)
            learn(reader, 0..<160, design: 1)
            #expect(before < 0.1)
            #expect(try error(reader, design: 1) < 0.1)
            forgotten.append(try error(reader, design: 0))
        }
        #expect(forgotten[1] < 0.1)
        #expect(forgotten[0] > 2 * forgotten[1] + 0.1)
    }
}
