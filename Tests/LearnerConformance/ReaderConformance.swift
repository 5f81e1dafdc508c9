import Foundation
import Learning
import Testing
import TextRecognition

/// The reader of lines passes the list of checks that holds for every learner, with a tiny network.
@Suite struct ReaderConformance {
    /// A picture of a text: each character has bars of its own.
    private static func picture(of text: String, number: Int) -> [UInt8] {
        var random = KeyedRandom(key: UInt64(number))
        let (height, pitch) = (32, 8)
        var image = GrayImage(
            width: pitch * text.utf8.count,
            height: height,
            pixels: [UInt8](repeating: 200, count: pitch * text.utf8.count * height)
        )
        for (place, character) in text.utf8.enumerated() {
            for y in 2..<(height - 2) {
                for x in 1..<(pitch - 1) where (Int(character) >> ((x + y / 8) % 4)) & 1 == 1 {
                    image.pixels[y * image.width + place * pitch + x] = 40
                }
            }
        }
        for index in image.pixels.indices {
            image.pixels[index] = image.pixels[index] &+ UInt8(random.index(below: 20))
        }
        return image.png()
    }

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func text(_ number: Int) -> String {
        (0..<2).map { String((number >> (2 * $0)) & 3) }.joined()
    }

    private static let stream = EncodedStream(
        (0..<160).map { number in
            let text = text(number &* 37 % 16)
            return #"{"image":"\#(base64(picture(of: text, number: number)))","text":"\#(text)","#
                + #""template":"t\#(number % 2)","field":"n","timestamp":\#(number),"id":"\#(number)"}"#
        }
    )

    private static let badEvents = EncodedStream(
        values: [
            #"{"text":"1"}"#, #"{"image":"AAAA","text":"1","timestamp":1}"#,
            #"{"image":"?","text":"1"}"#, #"{"image":"","text":"1"}"#, "[]", "{", "no picture",
            #"{"image":"\#(base64(picture(of: "1", number: 0)))"}"#,
            #"{"image":"\#(base64(picture(of: "1", number: 0)))","text":"é"}"#,
            #"{"image":"\#(base64(picture(of: "1", number: 0)))","text":"1","timestamp":"soon"}"#,
            #"{"image":"\#(base64(picture(of: "1", number: 0)))","text":"1","template":"a b"}"#,
        ].map { Array($0.utf8) } + [nil, []]
    )

    private static let requests = EncodedStream(
        (0..<6).map {
            #"{"request":"r\#($0)","image":"\#(base64(picture(of: text($0), number: 1000 + $0)))"}"#
        } + [#"{"request":"r","image":"AAAA"}"#, #"{"image":"AAAA"}"#, "no picture"]
    )

    private static var settings: ReaderSettings {
        var settings = ReaderSettings()
        settings.widths = [8, 8, 8, 8, 8]
        settings.dilations = [1]
        settings.labelsPerUpdate = 4
        settings.stepsPerUpdate = 1
        settings.linesPerStep = 5
        settings.replay.limit = ByteSize(bytes: 14_000)
        settings.windowLabels = 20
        return settings
    }

    @Test(arguments: LearnerChecks<TextReader>.Check.allCases)
    func `the reader of lines`(check: LearnerChecks<TextReader>.Check) throws {
        try LearnerChecks<TextReader>(
            settings: Self.settings,
            stream: Self.stream,
            badEvents: Self.badEvents,
            requests: Self.requests,
            eventsAfterDamage: 5
        ).run(check)
    }
}
