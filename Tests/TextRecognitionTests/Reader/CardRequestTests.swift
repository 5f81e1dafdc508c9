import Foundation
import Learning
import Testing

@testable import TextRecognition

/// Requests for whole cards, from the record to the answer.
@Suite struct CardRequestTests {
    private struct Answered: Decodable {
        struct Card: Decodable {
            let quad: [[Double]]
            let confidence: Double
            let template: String
            let agreement: Double
            let fields: [Field]
        }
        struct Field: Decodable {
            let field: String
            let text: String
            let confidence: Double
            let characters: [Double]
            let valid: Bool
            let quad: [[Double]]
        }
        let request: String
        let cards: [Card]?
        let text: String?
        let error: String?
        let model: String?
        let version: Int64?
        let sequence: Int64?
        let watermark: Int64?
        let position: Int64?
    }

    private static let stamp = ModelStamp(
        model: "re\"ader",
        version: 3,
        epoch: 1,
        sequence: 120,
        watermark: 7000,
        position: 310
    )

    /// A reader whose network is small and has learned nothing.
    private static var smallSettings: ReaderSettings {
        var settings = ReaderSettings()
        settings.widths = [8, 16, 16, 16, 24]
        settings.dilations = [1]
        settings.start = .random
        settings.replay.baseLinesPerStep = 0
        return settings
    }

    private func answer(
        _ model: TextReaderModel,
        _ value: [UInt8],
        headers: [(String, String)] = []
    ) throws -> (answered: Answered, refusal: String?) {
        let answers = value.withUnsafeBytes { value in
            withUnsafeTemporaryAllocation(of: EncodedEvent.self, capacity: 1) { buffer in
                let event = EncodedEvent(
                    partition: 0,
                    offset: 0,
                    recordTimestamp: 0,
                    key: nil,
                    value: value
                )
                buffer.initialize(repeating: event)
                let batch = EncodedBatch(UnsafeBufferPointer(buffer)) { _ in
                    headers.map { EventHeader(name: $0.0, value: Array($0.1.utf8)) }
                }
                return model.answer(batch, stamp: Self.stamp)
            }
        }
        let answer = try #require(answers.first)
        let bytes = try #require(answer.value)
        let answered = try JSONDecoder().decode(Answered.self, from: Data(bytes))
        return (answered, answer.refusal)
    }

    /// A photograph that nothing was trained on.
    private func scene(_ index: Int) throws -> CardScene {
        try CardGenerator(seed: 424_242).scene(at: index)
    }

    private static let asked = [("picture", "cards"), ("request", "r1")]

    private func quad(_ places: [[Double]]) throws -> Quad {
        try #require(places.count == 4 && places.allSatisfy { $0.count == 2 })
        return Quad(places.map { Point($0[0], $0[1]) })
    }

    @Test func `a photograph is answered with its card, the fields and the state of the model`()
        throws
    {
        let model = try TextReaderModel(settings: ReaderSettings())
        let scene = try scene(0)
        let card = try #require(scene.cards.first)
        let image = scene.image.jpeg(quality: 92)
        let found = try answer(model, image, headers: Self.asked)
        #expect(found.refusal == nil)
        let answered = found.answered
        #expect(answered.request == "r1" && answered.text == nil && answered.error == nil)
        #expect(answered.model == "re\"ader" && answered.version == 3)
        #expect(answered.sequence == 120 && answered.watermark == 7000 && answered.position == 310)
        let read = try #require(answered.cards?.first)
        #expect(answered.cards?.count == 1)
        #expect(read.template == card.template)
        #expect(try quad(read.quad).intersectionOverUnion(card.quad) > 0.9)
        #expect((0...1).contains(read.confidence) && (0.85...1).contains(read.agreement))
        #expect(read.fields.map(\.field) == card.fields.map(\.name))
        for (mine, theirs) in zip(read.fields, card.fields) {
            #expect(mine.characters.count == mine.text.count)
            #expect((mine.characters + [mine.confidence]).allSatisfy { (0...1).contains($0) })
            #expect(try quad(mine.quad).intersectionOverUnion(theirs.quad) > 0.5)
        }
        let number = read.fields.first { $0.field == "number" }
        #expect(number?.text == card.fields.first { $0.name == "number" }?.text)
        #expect(number?.valid == true)

        let json = """
            {"request": "r1", "picture": "cards",
             "image": "\(Data(image).base64EncodedString())"}
            """
        let again = try answer(model, Array(json.utf8)).answered.cards?.first
        #expect(again?.quad == read.quad && again?.fields.map(\.text) == read.fields.map(\.text))
    }

    @Test func `several cards come likeliest first, and none is an answer, too`() throws {
        let model = try TextReaderModel(settings: Self.smallSettings)
        let two = try answer(model, try scene(6).image.png(), headers: Self.asked)
        let confidences = try #require(two.answered.cards).map(\.confidence)
        #expect(confidences.count == 2)
        #expect(confidences == confidences.sorted(by: >))
        let none = try answer(model, try scene(1).image.png(), headers: Self.asked)
        #expect(none.answered.cards?.isEmpty == true)
        #expect(none.refusal == nil)
    }

    @Test func `a design that is asked for is kept to`() throws {
        let model = try TextReaderModel(settings: Self.smallSettings)
        for template in CardTemplate.builtIn.prefix(2) {
            let found = try answer(
                model,
                try scene(0).image.png(),
                headers: Self.asked + [("template", template.name)]
            )
            let card = try #require(found.answered.cards?.first)
            #expect(card.template == template.name)
            #expect(card.fields.map(\.field) == template.fields.map(\.name))
        }
    }

    @Test func `a damaged photograph and one of too many pixels are refused, quoting nothing`()
        throws
    {
        let model = try TextReaderModel(settings: Self.smallSettings)
        let whole = try scene(1).image.png()
        let secret = Array("SECRET".utf8)
        for count in stride(from: 0, to: whole.count, by: whole.count / 9 + 1) {
            let cut = Array(whole.prefix(count)) + secret
            let found = try answer(model, cut, headers: Self.asked)
            #expect(found.answered.cards == nil)
            #expect(found.answered.error == found.refusal)
            #expect(found.refusal?.contains("SECRET") == false, "\(found.refusal ?? "")")
        }
        let large = GrayImage(width: 5001, height: 5000, filledWith: 90).png(compression: 9)
        let found = try answer(model, large, headers: Self.asked)
        #expect(found.refusal?.contains("25000000 are allowed") == true)
    }

    @Test func `cards are read with the weights of the last update`() throws {
        let reader = try TextReader(settings: Self.smallSettings)
        let model = try TextReaderModel(settings: Self.smallSettings, state: reader.encode())
        let scene = try scene(0)
        let before = model.cards(in: scene.image)
        var events = LabelEvents()
        for (number, line) in scene.lines().prefix(4).enumerated() {
            let label = Label(
                image: PreparedLine.picture(of: line.image),
                text: line.text,
                template: line.template,
                field: line.field,
                document: [],
                timestamp: 1,
                identity: .none,
                partition: 0,
                offset: Int64(number)
            )
            events.append(label)
        }
        _ = reader.takeDelta()
        reader.learn(events)
        try model.apply(reader.takeDelta())
        let after = model.cards(in: scene.image)
        let fresh = try TextReaderModel(settings: Self.smallSettings, state: reader.encode())
        #expect(after == fresh.cards(in: scene.image))
        #expect(after != before)
    }

    @Test func `a model that diverged refuses to read cards`() throws {
        let model = try TextReaderModel(settings: Self.smallSettings)
        var state = model.encode()
        // Weights that are numbers, and whose products are none; no statistics, which are checked.
        for name in state.names where !name.contains("normalization") {
            guard let tensor = state[name], let values: [Float] = tensor.values() else { continue }
            let broken = [Float](repeating: 3e38, count: values.count)
            state[name] = Tensor(broken, shape: tensor.shape)
        }
        let broken = try TextReaderModel(settings: Self.smallSettings, state: state)
        let found = try answer(broken, try scene(0).image.png(), headers: Self.asked)
        #expect(found.refusal?.hasPrefix("the model diverged") == true)
        #expect(found.answered.error == found.refusal)
    }
}

extension PreparedLine {
    /// A picture at the height of lines.
    fileprivate static func picture(of image: GrayImage) -> GrayImage {
        let width = max(8, image.width * height / image.height)
        return image.resized(width: width, height: height)
    }
}
