import Learning
import Testing

@testable import TextRecognition

@Suite struct LineGeneratorTests {
    private static let alphabet = Set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ -./:<")

    @Test(arguments: CardScenario.allCases)
    func `a line depends on seed and index alone`(scenario: CardScenario) throws {
        let generator = try LineGenerator(scenario: scenario, seed: 3)
        let forwards = (0..<8).map { generator.line(at: $0) }
        let backwards = try (0..<8).reversed().map { index in
            try LineGenerator(scenario: scenario, seed: 3).line(at: index)
        }
        #expect(forwards == Array(backwards.reversed()))
        let other = try LineGenerator(scenario: scenario, seed: 4)
        #expect(
            forwards.filter { line in (0..<8).contains { other.line(at: $0) == line } }.isEmpty
        )
        #expect(Set(forwards.map(\.image.pixels)).count == 8)
    }

    @Test(arguments: CardScenario.allCases)
    func `lines hold the alphabet's characters, and pictures show them`(
        scenario: CardScenario
    ) throws {
        let generator = try LineGenerator(scenario: scenario, seed: 1)
        var fields: Set<String> = []
        for index in 0..<80 {
            let line = generator.line(at: index)
            #expect(!line.text.isEmpty && line.text.count <= 44)
            #expect(Self.alphabet.isSuperset(of: line.text), "\(line.text)")
            #expect(
                !line.text.hasPrefix(" ") && !line.text.hasSuffix(" ") && !line.text.contains("  ")
            )
            #expect(line.template == scenario.rawValue)
            fields.insert(line.field)
            // Higher than a letter, and wide enough for its text at a width of 4 pixels a letter.
            #expect(line.image.height >= 10 && line.image.height <= 100)
            #expect(line.image.width >= 4 * line.text.count, "\(line.text)")
            let (low, high) = (line.image.pixels.min() ?? 0, line.image.pixels.max() ?? 0)
            #expect(high - low > 15, "line \(index) shows nothing")
        }
        #expect(fields.count >= (scenario == .newNumberFormat ? 1 : 5))
    }

    @Test func `every character of the alphabet comes up`() {
        let texts = LineTexts(.base)
        var random = KeyedRandom(key: 1)
        var counts: [Character: Int] = [:]
        for _ in 0..<1500 {
            for character in texts.draw(&random).text { counts[character, default: 0] += 1 }
        }
        for character in Self.alphabet {
            #expect(counts[character, default: 0] > 20, "\(character)")
        }
    }

    @Test func `scenarios are not the base`() throws {
        let base = try LineGenerator(scenario: .base, seed: 1)
        for scenario in CardScenario.allCases where scenario != .base {
            let other = try LineGenerator(scenario: scenario, seed: 1)
            #expect((0..<8).allSatisfy { base.line(at: $0).image != other.line(at: $0).image })
        }
        // Few pixels, and light letters on dark: what the names promise.
        func mean(_ scenario: CardScenario, _ value: (GrayImage) -> Double) throws -> Double {
            let generator = try LineGenerator(scenario: scenario, seed: 1)
            return (0..<60).reduce(0) { $0 + value(generator.line(at: $1).image) } / 60
        }
        let height = { (image: GrayImage) in Double(image.height) }
        #expect(try mean(.worseCamera, height) < 0.75 * mean(.base, height))
        let brightness = { (image: GrayImage) in
            Double(image.pixels.reduce(0) { $0 + Int($1) }) / Double(image.pixels.count)
        }
        #expect(try mean(.inversePrint, brightness) < 0.6 * mean(.base, brightness))
    }

    @Test func `a font that is not installed is named with its package`() {
        let font = CardFont(file: "truetype/none/None.ttf", package: "fonts-none")
        let error = #expect(throws: TextRecognitionError.self) { try GlyphStore([font]) }
        #expect(
            error?.message == "the font /usr/share/fonts/truetype/none/None.ttf is not there or "
                + "cannot be read"
        )
        #expect(error?.remedy.contains("install the Debian package fonts-none") == true)
    }
}
