import Learning
import Testing

@testable import TextRecognition

/// From photographs to fields: what does not depend on how well lines are read.
struct CardReaderTests {
    /// Lines are read by a network that has learned nothing.
    private func reader() throws -> CardReader {
        CardReader(
            locator: try CardLocator.base(),
            recognizer: try LineTrainer(settings: SmallNetwork.settings).recognizer()
        )
    }

    @Test func `a card is answered with the fields of one template, where they are`() throws {
        let scene = try CardGenerator(seed: 424_242).scene(at: 0)
        let card = try #require(scene.cards.first)
        let readings = try reader().read(scene.image)
        #expect(readings.count == 1)
        let reading = try #require(readings.first)
        let template = try #require(CardTemplate.builtIn.first { $0.name == reading.template })
        #expect(reading.fields.map(\.name) == template.fields.map(\.name))
        // Upright or upside down, since nothing can be read.
        let quads = [reading.quad, reading.quad.turnedHalf]
        #expect(quads.contains { $0.intersectionOverUnion(card.quad) > 0.9 })
        #expect((0...1).contains(reading.agreement) && (0...1).contains(reading.confidence))
        for field in reading.fields {
            #expect(field.quad.area > 0 && field.quad.area < reading.quad.area)
        }
    }

    @Test func `numbers of held-out cards are read, and their designs known`() throws {
        let reader = try CardReader.base()
        let generator = try CardGenerator(seed: 424_242)
        for index in [0, 2] {
            let scene = generator.scene(at: index)
            let card = try #require(scene.cards.first)
            let reading = try #require(reader.read(scene.image).first)
            #expect(reading.template == card.template)
            let number = reading.fields.first { $0.name == "number" }?.reading
            #expect(number?.text == card.fields.first { $0.name == "number" }?.text)
            #expect(number?.isValid == true)
        }
    }

    @Test func `a photograph without a card is answered with none`() throws {
        let scene = try CardGenerator(seed: 424_242).scene(at: 1)
        try #require(scene.cards.isEmpty)
        #expect(try reader().read(scene.image).isEmpty)
    }

    @Test func `what is printed has the form that its field declares`() throws {
        var random = KeyedRandom(key: 5)
        for template in CardTemplate.builtIn {
            for _ in 0..<20 {
                let texts = CardTexts(template, .base, &random).texts
                for (field, text) in zip(template.fields, texts) {
                    #expect(field.format.accepts(text), "\(template.name).\(field.name): \(text)")
                }
            }
        }
    }

    @Test func `a pattern too long for a check character behind it is no failure`() throws {
        let json = """
            {"name": "long", "aspect": 1.5, "fields": [{"name": "number", \
            "box": [0.1, 0.1, 0.5, 0.1], "pattern": "\\\\d{\(FieldPattern.maximumStates - 1)}", \
            "check": "luhn"}]}
            """
        let template = try CardTemplate(json: Array(json.utf8))
        let format = template.fields[0].format
        #expect(format.pattern == nil && format.checkDigit == .luhn)
    }
}
