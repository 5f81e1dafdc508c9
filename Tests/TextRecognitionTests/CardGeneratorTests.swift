import Foundation
import Learning
import Testing

@testable import TextRecognition

@Suite struct CardGeneratorTests {
    @Test func `a scene depends on seed and index alone`() throws {
        let generator = try CardGenerator(seed: 3)
        let forwards = (0..<4).map { generator.scene(at: $0) }
        let backwards = try (0..<4).reversed().map { try CardGenerator(seed: 3).scene(at: $0) }
        #expect(forwards == Array(backwards.reversed()))
        #expect(try CardGenerator(seed: 4).scene(at: 0) != forwards[0])
    }

    @Test func `cards are in the picture, whole and seen from the front`() throws {
        let generator = try CardGenerator(seed: 1)
        for index in 0..<20 {
            let scene = generator.scene(at: index)
            for card in scene.cards {
                for corner in card.quad.corners {
                    #expect((0...Double(scene.image.width)).contains(corner.x))
                    #expect((0...Double(scene.image.height)).contains(corner.y))
                }
                #expect(Self.isClockwise(card.quad), "scene \(index)")
            }
        }
    }

    @Test func `there is no card, one, or several that do not overlap`() throws {
        let generator = try CardGenerator(seed: 1)
        var random = KeyedRandom(key: 1)
        var counts: [Int: Int] = [:]
        for _ in 0..<1000 {
            let places = generator.places(640, 480, &random)
            counts[places.count, default: 0] += 1
            for (index, place) in places.enumerated() {
                for other in places[(index + 1)...] {
                    #expect(
                        place.topRight.x <= other.topLeft.x || other.topRight.x <= place.topLeft.x
                            || place.bottomLeft.y <= other.topLeft.y
                    )
                }
            }
        }
        #expect((30...70).contains(counts[0, default: 0]))
        #expect((840...900).contains(counts[1, default: 0]))
        #expect(Set(counts.keys) == [0, 1, 2, 3, 4])
    }

    @Test(arguments: CardScenario.allCases)
    func `fields lie on their card and hold what their template says`(
        scenario: CardScenario
    ) throws {
        let generator = try CardGenerator(scenario: scenario, seed: 2)
        let templates = Dictionary(
            uniqueKeysWithValues: CardTemplate.builtIn.map { ($0.name, $0) }
        )
        for index in 0..<4 {
            for card in generator.scene(at: index).cards {
                let template = try #require(templates[card.template])
                #expect(card.fields.map(\.name) == template.fields.map(\.name))
                for (field, rule) in zip(card.fields, template.fields) {
                    let isNew = scenario == .newNumberFormat && field.name == "number"
                    if let pattern = rule.pattern, !isNew {
                        let body = rule.check == nil ? Substring(field.text) : field.text.dropLast()
                        let expression = try Regex(pattern.source)
                        #expect(body.wholeMatch(of: expression) != nil, "\(field.text)")
                        if let check = rule.check { #expect(check.accepts(field.text)) }
                    }
                    #expect(Self.isClockwise(field.quad))
                }
            }
        }
    }

    @Test func `a field is cut out where its letters are`() throws {
        let generator = try CardGenerator(seed: 5)
        var found = 0
        for index in 0..<5 {
            for line in generator.scene(at: index).lines() where line.text.count > 6 {
                // Ink differs from paper in the middle rows, whatever light and ground are.
                let rows = line.image.height / 3..<line.image.height * 2 / 3
                let pixels = rows.flatMap { y in
                    (0..<line.image.width / 2).map { Int(line.image[$0, y]) }
                }
                let mean = pixels.reduce(0, +) / pixels.count
                let spread = pixels.reduce(0) { $0 + abs($1 - mean) } / pixels.count
                #expect(spread > 3, "\(line.text) of scene \(index)")
                found += 1
            }
        }
        #expect(found > 12)
    }

    @Test func `the designs that come with the program can be read`() {
        #expect(
            CardTemplate.builtIn.map(\.name) == [
                "national-id", "residence-permit", "driving-licence", "member-card", "passport",
            ]
        )
        #expect(CardTemplate.builtIn.allSatisfy { $0.fields.contains { $0.name == "number" } })
    }

    @Test(arguments: [
        (#"{"name":"a","aspect":1.5}"#, #""fields" is missing"#),
        (#"{"name":"a","aspect":9,"fields":[]}"#, "at aspect: it is 9.0, expected 1 to 3"),
        (#"{"name":"a","aspect":1.5,"fields":[],"colour":1}"#, "at colour: no such key"),
        (
            #"{"name":"a","aspect":1.5,"fields":[{"name":"n","box":[0,0,2,1],"pattern":"a"}]}"#,
            "a box is [left, top, width, height]"
        ),
        (
            #"{"name":"a","aspect":1.5,"fields":[{"name":"n","box":[0,0,1,1],"pattern":"a("}]}"#,
            "pattern \"a(\""
        ),
        (
            #"{"name":"a","aspect":1.5,"fields":[{"name":"n","box":[0,0,1,1]}]}"#,
            "it needs a pattern or a content"
        ),
        (
            #"{"name":"a","aspect":1.5,"fields":[{"name":"n","box":[0,0,1,1],"content":"x"}]}"#,
            "at fields.Index 0.content"
        ),
        (
            #"{"name":"a","aspect":1.5,"fields":[{"name":"n","box":[0,0,1,1],"#
                + #""pattern":"A\\d","check":"luhn"}]}"#,
            "luhn does not count \"A\""
        ),
        ("[", "the template is wrong"),
    ])
    func `a wrong template is refused by its key`(json: String, text: String) {
        let error = #expect(throws: TextRecognitionError.self) {
            try CardTemplate(json: Array(json.utf8))
        }
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test func `cards of one's own template are made`() throws {
        let json = """
            {"name": "library", "aspect": 1.6, "fields": [
              {"name": "number", "box": [0.1, 0.4, 0.8, 0.2], "pattern": "LIB-\\\\d{6}"}]}
            """
        let template = try CardTemplate(json: Array(json.utf8))
        let generator = try CardGenerator(seed: 1, templates: [template])
        let texts = (0..<3).flatMap { generator.scene(at: $0).cards }.flatMap(\.fields).map(\.text)
        #expect(!texts.isEmpty && texts.allSatisfy { $0.wholeMatch(of: /LIB-\d{6}/) != nil })
    }

    private static func isClockwise(_ quad: Quad) -> Bool {
        let corners = quad.corners
        return (0..<4).allSatisfy { index in
            let (a, b, c) = (corners[index], corners[(index + 1) % 4], corners[(index + 2) % 4])
            return (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x) > 0
        }
    }
}
