import ArgumentParser
import Foundation
import Testing

@testable import TextRecognition
@testable import freshet

@Suite struct ReadCommandTests {
    private func card(fields: [CardReading.Field]) -> CardReading {
        CardReading(
            quad: Quad(x: 1.25, y: 2, width: 10.123, height: 6),
            confidence: 0.875,
            template: "passport",
            agreement: 0.5,
            fields: fields
        )
    }

    private func field(_ name: String, _ text: String, isValid: Bool) -> CardReading.Field {
        CardReading.Field(
            name: name,
            quad: Quad(x: 2, y: 3, width: 4, height: 1),
            reading: Reading(
                text: text,
                characterConfidences: text.map { _ in 0.5 },
                confidence: 0.25,
                isValid: isValid
            )
        )
    }

    @Test func `a table has a row for each field, and says that there is no card`() {
        let read = TextPrediction(
            [
                card(fields: [
                    field("number", "AB12", isValid: true), field("sex", "Q", isValid: false),
                ]),
                card(fields: []),
            ],
            model: "reader",
            version: 2
        )
        #expect(
            read.cardRows(of: "a.png") == [
                ["a.png", "1 passport", "number", "AB12", "25.0 %"],
                ["a.png", "1 passport", "sex", "Q", "25.0 %, not of the form of the design"],
                ["a.png", "2 passport", "", "", "too narrow to be read"],
            ]
        )
        #expect(read.cardSummary == "passport AB12 (25.0 %), passport")
        let none = TextPrediction([], model: "reader", version: 2)
        #expect(none.cardRows(of: "b.png") == [["b.png", "no card", "", "", ""]])
        #expect(none.error == nil && none.summary.contains("no card"))
        let refused = TextPrediction(error: "damaged")
        #expect(refused.cardRows(of: "c.png") == [["c.png", "", "", "", "not read: damaged"]])
    }

    @Test func `a version's answer has the fields of a scorer's`() throws {
        let own = TextPrediction(
            [card(fields: [field("number", "AB12", isValid: true)])],
            model: "reader",
            version: 2
        )
        let scorers = """
            {"cards":[{"quad":[[1.25,2],[11.37,2],[11.37,8],[1.25,8]],"confidence":0.875,
            "template":"passport","agreement":0.5,"fields":[{"field":"number","text":"AB12",
            "confidence":0.25,"characters":[0.5,0.5,0.5,0.5],"valid":true,
            "quad":[[2,3],[6,3],[6,4],[2,4]]}]}],"model":"reader","version":2}
            """
        #expect(TextPrediction(bytes: Array(scorers.utf8)) == own)
        let written = try JSONEncoder().encode(own)
        #expect(TextPrediction(bytes: Array(written)) == own)
    }

    @Test(arguments: [
        ["--cards", "--pattern", "A"], ["--cards", "--check-digit", "luhn"],
        ["--template", "passport"], ["--cards", "--template", "pass"],
    ])
    func `what does not go together is refused`(options: [String]) {
        #expect(throws: (any Error).self) { try ReadCommand.parse(["a.png"] + options) }
    }

    @Test func `one design can be asked for`() throws {
        let command = try ReadCommand.parse(["a.png", "--cards", "--template", "passport"])
        #expect(command.template == "passport")
    }
}
