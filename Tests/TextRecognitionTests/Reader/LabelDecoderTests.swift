import Foundation
import Learning
import Testing

@testable import TextRecognition

@Suite struct LabelDecoderTests {
    private static let picture: [UInt8] = {
        var image = GrayImage(width: 60, height: 20, filledWith: 220)
        for x in 10..<50 { image[x, 10] = 30 }
        return image.png()
    }()

    /// Decodes one event.
    private func decode(
        _ value: [UInt8],
        headers: [(String, String)] = [],
        key: String? = nil,
        recordTimestamp: Int64 = 5000
    ) -> (label: Label?, reason: String?) {
        let key = key.map { Array($0.utf8) }
        var events = LabelEvents()
        var rejections: [Rejection] = []
        value.withUnsafeBytes { value in
            (key ?? []).withUnsafeBytes { keyBytes in
                let event = EncodedEvent(
                    partition: 2,
                    offset: 7,
                    recordTimestamp: recordTimestamp,
                    key: key == nil ? nil : keyBytes,
                    value: value
                )
                withUnsafeTemporaryAllocation(of: EncodedEvent.self, capacity: 1) { buffer in
                    buffer.initialize(repeating: event)
                    let batch = EncodedBatch(UnsafeBufferPointer(buffer)) { _ in
                        headers.map { EventHeader(name: $0.0, value: Array($0.1.utf8)) }
                    }
                    LabelDecoder(settings: ReaderSettings())
                        .decode(batch, into: &events, rejections: &rejections)
                }
            }
        }
        return (events.labels.first, rejections.first?.reason)
    }

    @Test func `a picture with headers and JSON with base64 are the same label`() throws {
        let raw = decode(
            Self.picture,
            headers: [
                ("text", "AB 12"), ("template", "pass"), ("field", "number"), ("id", "x"),
                ("timestamp", "4000"), ("traceparent", "00-1"),
            ],
            key: "d1"
        )
        let label = try #require(raw.label)
        #expect(label.image.height == 32)
        #expect(label.image.width == 96)
        #expect(label.text == "AB 12")
        #expect(label.slice == "pass/number")
        #expect(label.document == Array("d1".utf8))
        #expect(label.timestamp == 4000)
        #expect((label.partition, label.offset) == (2, 7))
        let base64 = Data(Self.picture).base64EncodedString()
        let json = decode(
            Array(
                """
                 {"timestamp": 4000, "text": "AB 12", "other": [1], "template": "pass",
                  "field": "number", "id": "x", "document": "d1", "image": "\(base64)"}
                """.utf8
            )
        )
        #expect(json.label == label)
    }

    @Test func `without a time of its own a label has its record's`() {
        #expect(decode(Self.picture, headers: [("text", "A")]).label?.timestamp == 5000)
        let without = decode(Self.picture, headers: [("text", "A")], recordTimestamp: -1)
        #expect(without.reason?.hasPrefix("timestamp is missing") == true)
    }

    @Test(arguments: [
        ([("text", "SECRET")] + [("text", "SECRET")], "header text stands twice"),
        ([("text", "")], "text has 0 bytes"),
        ([("text", "   ")], "text has spaces only"),
        ([("text", "SECRET!")], "character 7 of the text is not in the alphabet"),
        ([("text", String(repeating: "S", count: 129))], "text has 129 bytes"),
        ([("text", "A"), ("timestamp", "SECRET")], "timestamp is no time"),
        ([("text", "A"), ("timestamp", "99999999999")], "ms after the record's"),
        ([("text", "A"), ("template", "SEC RET")], "template has 7 bytes"),
        ([("text", "A"), ("field", String(repeating: "S", count: 65))], "field has 65 bytes"),
        ([("text", "A"), ("id", "")], "id has 0 bytes"),
        ([(String, String)](), "text is missing"),
    ])
    func `what is wrong is named, and nothing is quoted`(
        headers: [(String, String)],
        reason: String
    ) {
        let found = decode(Self.picture, headers: headers).reason ?? ""
        #expect(found.contains(reason), "\(found)")
        #expect(!found.contains("SEC"))
    }

    @Test(arguments: [
        (#"{"text":"SECRET"}"#, "image is missing"),
        (#"{"image":"SECRET~","text":"SECRET"}"#, "image is not base64"),
        (#"{"image":5,"text":"SECRET"}"#, "image is a JSON number"),
        (#"{"image":"","image":"","text":"SECRET"}"#, "image stands twice"),
        (#"{"image":"SECRET"#, "the value is not JSON"),
        ("SECRET", "text is missing"),
    ])
    func `what is wrong with JSON is named, and nothing is quoted`(value: String, reason: String) {
        let found = decode(Array(value.utf8)).reason ?? ""
        #expect(found.contains(reason), "\(found)")
        #expect(!found.contains("SEC"))
    }

    @Test(arguments: [
        ([("pattern", "[A-Z"), ("request", "r")], "not closed"),
        ([("pattern", String(repeating: "A", count: 257)), ("request", "r")], "257 bytes"),
        ([("pattern", ".{97}"), ("request", "r")], "more than 96 characters"),
        ([("check_digit", "mod2"), ("request", "r")], "check_digit is not known"),
        ([("pattern", "A")], "request is missing"),
        ([("picture", "SECRET"), ("request", "r")], "picture is not known"),
        ([("picture", "cards"), ("pattern", "A"), ("request", "r")], "pattern is for a line"),
        ([("picture", "cards"), ("check_digit", "luhn"), ("request", "r")], "is for a line"),
        ([("picture", "cards"), ("template", "SECRET"), ("request", "r")], "one of national-id"),
    ])
    func `a request for what cannot be is refused`(
        headers: [(String, String)],
        reason: String
    ) {
        Self.picture.withUnsafeBytes { picture in
            let event = EncodedEvent(
                partition: 0,
                offset: 0,
                recordTimestamp: 0,
                key: nil,
                value: picture
            )
            let refusal = #expect(throws: ReadRequest.Refusal.self) {
                try ReadRequest(
                    event,
                    headers: {
                        headers.map { EventHeader(name: $0.0, value: Array($0.1.utf8)) }
                    },
                    settings: ReaderSettings()
                )
            }
            #expect(refusal?.reason.contains(reason) == true, "\(refusal?.reason ?? "")")
            #expect(refusal?.reason.contains("SECRET") == false)
        }
    }

    @Test func `of what is no picture not even the first bytes are named`() {
        let found = decode(Array("SECRET".utf8), headers: [("text", "A")]).reason ?? ""
        #expect(found.contains("neither a PNG nor a JPEG"), "\(found)")
        #expect(!found.contains("53 45"))
    }

    @Test func `a damaged picture is refused without its bytes`() {
        for count in stride(from: 0, to: Self.picture.count, by: 7) {
            let cut = Array(Self.picture.prefix(count)) + Array("SECRET".utf8)
            let found = decode(cut, headers: [("text", "A")])
            #expect(found.label == nil)
            #expect(found.reason?.contains("SECRET") == false, "\(found.reason ?? "")")
        }
    }
}
