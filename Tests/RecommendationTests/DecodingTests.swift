import Foundation
import Learning
import Recommendation
import Testing

struct DecodingTests {
    @Test func `keys may come in any order and unknown ones are skipped`() {
        let (events, rejections) = decode([
            "{\"user\":\"u\",\"item\":\"i\",\"value\":3.5,\"timestamp\":12}",
            " { \"timestamp\" : 13 , \"x\":null,\"y\":true,\"z\":\"text\",\"w\":-1.5,"
                + "\"item\":7,\"user\":-42 } \n",
            "{\"nested\":{\"a\":[1,{\"user\":3}]},\"timestamp\":14,\"user\":\"a\\u00e9\\n\","
                + "\"item\":\"\\uD83D\\uDE00\",\"value\":1.25e1,\"id\":\"e-1\"}",
            "{\"user\":\"käse\",\"item\":\"ü\",\"timestamp\":15,\"value\":null,\"id\":7}",
        ])
        #expect(rejections.isEmpty)
        #expect(events.timestamps == [12, 13, 14, 15])
        #expect((0..<4).map { events.user(at: $0) } == ["u", "-42", "aé\n", "käse"])
        #expect((0..<4).map { events.item(at: $0) } == ["i", "7", "😀", "ü"])
        #expect((0..<4).map { events.value(at: $0) } == [3.5, 1, 12.5, 1])
    }

    @Test func `an id as a number and as a string is the same id`() {
        let (events, _) = decode([
            "{\"user\":42,\"item\":1,\"timestamp\":0}",
            "{\"user\":\"42\",\"item\":\"1\",\"timestamp\":0}",
        ])
        #expect(events.user(at: 0) == events.user(at: 1))
        #expect(events.item(at: 0) == events.item(at: 1))
    }

    @Test(arguments: [
        ("{\"item\":\"i\",\"timestamp\":1}", ["user", "missing"]),
        ("{\"user\":\"u\",\"timestamp\":1}", ["item", "missing"]),
        ("{\"user\":\"u\",\"item\":\"i\"}", ["timestamp", "missing", "milliseconds"]),
        ("{\"user\":1.5,\"item\":\"i\",\"timestamp\":1}", ["user", "1.5", "integer"]),
        ("{\"user\":[],\"item\":\"i\",\"timestamp\":1}", ["user", "array"]),
        ("{\"user\":\"\",\"item\":\"i\",\"timestamp\":1}", ["user", "\"\"", "512"]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":\"1\"}", ["timestamp", "\"1\""]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":1e3}", ["timestamp", "1e3"]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":-5}", ["timestamp", "-5"]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":99999999999999999999}", ["99999999999"]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":1,\"value\":\"x\"}", ["value", "\"x\""]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":1,\"value\":1e400}", ["value", "1e400"]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":1,\"value\":Infinity}", ["not JSON"]),
        ("{\"user\":\"u\",\"user\":\"u\",\"item\":\"i\",\"timestamp\":1}", ["user", "twice"]),
        ("{\"user\":\"u\",\"item\":\"i\",\"timestamp\":1,\"id\":{}}", ["id", "object"]),
        ("\"text\"", ["string", "expected"]),
        ("hello\u{1}", ["not JSON", "\\x01"]),
        ("", ["not JSON"]),
    ])
    func `a rejection names the field, the value and what was expected`(
        text: String,
        parts: [String]
    ) {
        let (events, rejections) = decode([text])
        #expect(events.count == 0)
        #expect(rejections.count == 1)
        for part in parts {
            #expect(rejections.first?.reason.contains(part) == true, "\(rejections)")
        }
    }

    @Test func `ids of ten megabytes are rejected in a short text`() {
        let long = String(repeating: "é", count: 5 << 20)
        for text in [
            "{\"user\":\"\(long)\",\"item\":\"i\",\"timestamp\":1}",
            "{\"user\":\"u\",\"item\":\"\(long)\",\"timestamp\":1}",
        ] {
            let (events, rejections) = decode([text])
            #expect(events.count == 0)
            #expect(rejections[0].reason.utf8.count < 300)
            #expect(rejections[0].reason.contains("10485760 bytes"))
        }
    }

    @Test func `tombstones, other bytes and depth are rejected`() {
        let deep = String(repeating: "[", count: 1 << 20)
        let values: [[UInt8]?] = [
            nil, [0xFF, 0xFE], Array("{\"a\":\(deep)".utf8),
            Array("{\"user\":\"".utf8) + [0xC3] + Array("\",\"item\":\"i\",\"timestamp\":1}".utf8),
        ]
        let (events, rejections) = decode(values)
        #expect(events.count == 0)
        #expect(rejections.map(\.index) == [0, 1, 2, 3])
        #expect(rejections[0].reason.contains("tombstone"))
    }

    @Test func `a timestamp may lie ahead of its record by the limit and no more`() {
        var settings = RecommenderSettings()
        settings.maximumFutureMilliseconds = 500
        let texts = [1500, 1501].map { interaction("u", "i", at: $0) }
        let (events, rejections) = decode(texts, settings: settings, recordTimestamp: 1000)
        #expect(events.timestamps == [1500])
        #expect(rejections.map(\.index) == [1])
        #expect(rejections[0].reason.contains("1501"))
        #expect(decode(texts, settings: settings, recordTimestamp: -1).events.count == 2)
        #expect(decode(texts, settings: settings, recordTimestamp: .max).events.count == 2)
    }

    @Test func `ratings need a value within the limit`() {
        var settings = RecommenderSettings(feedback: .explicit)
        settings.explicit.maximumMagnitude = 10
        let (events, rejections) = decode(
            [
                "{\"user\":1,\"item\":2,\"timestamp\":3}",
                "{\"user\":1,\"item\":2,\"timestamp\":3,\"value\":-10}",
                "{\"user\":1,\"item\":2,\"timestamp\":3,\"value\":10.01}",
            ],
            settings: settings
        )
        #expect(events.value(at: 0) == -10)
        #expect(rejections.map(\.index) == [0, 2])
    }

    /// Valid events, mutated at random: JSONSerialization is the judge of what is JSON, and of what
    /// the fields are.
    @Test func `random damage is judged as JSONSerialization judges it`() {
        var random = KeyedRandom(key: 2024)
        var accepted = 0
        for round in 0..<20_000 {
            let bytes = Self.randomEvent(&random, damaged: round % 4 != 0)
            let (events, rejections) = decode([bytes])
            #expect(events.count + rejections.count == 1)
            let expected = Self.judge(bytes)
            let shown = String(decoding: bytes, as: UTF8.self)
            if let expected {
                #expect(events.count == 1, "\(shown): \(rejections)")
                guard events.count == 1 else { continue }
                #expect(events.user(at: 0) == expected.user, "\(shown)")
                #expect(events.item(at: 0) == expected.item, "\(shown)")
                #expect(events.timestamps[0] == expected.timestamp, "\(shown)")
                #expect(events.value(at: 0) == Float(expected.value), "\(shown)")
                accepted += 1
            } else {
                #expect(events.count == 0, "\(shown)")
            }
        }
        #expect(accepted > 5000)
    }

    private static func randomEvent(_ random: inout KeyedRandom, damaged: Bool) -> [UInt8] {
        let ids = ["\"u1\"", "\"ä\\\"x\"", "17", "\"\\u0041b\"", "\"\"", "\"long id with spaces\""]
        let values = ["1", "-2.5", "3e2", "0.1", "123456789.123456789", "1e-3"]
        let extras = ["\"x\":[1,{\"y\":null}]", "\"x\":\"\\n\"", "\"x\":false", "\"id\":\"e\""]
        func pick(_ from: [String]) -> String { from[random.index(below: from.count)] }
        var members = [
            "\"user\":\(pick(ids))", "\"item\":\(pick(ids))",
            "\"timestamp\":\(random.index(below: 2_000_000))",
        ]
        if random.index(below: 2) == 0 { members.append("\"value\":\(pick(values))") }
        if random.index(below: 3) == 0 { members.append(pick(extras)) }
        members.shuffle(using: &random)
        var bytes = Array("{\(members.joined(separator: pick([",", ", ", " ,\n"])))}".utf8)
        guard damaged else { return bytes }
        let alphabet = Array("\"\\{}[],:0123456789.eE+-untrlsbf \n\t\u{1}ä".utf8) + [0xFF, 0x00]
        for _ in 0...random.index(below: 2) {
            let place = random.index(below: bytes.count)
            switch random.index(below: 3) {
            case 0: bytes[place] = alphabet[random.index(below: alphabet.count)]
            case 1: bytes.remove(at: place)
            default: bytes.insert(alphabet[random.index(below: alphabet.count)], at: place)
            }
        }
        return bytes
    }

    private struct Judged {
        var user: String
        var item: String
        var timestamp: Int64
        var value: Double
    }

    /// What the bytes mean; nil when they are not a valid event.
    ///
    /// Keys that stand twice, which JSONSerialization lets pass, and integers, which it does not
    /// tell from 1.0, are looked for in the text.
    private static func judge(_ bytes: [UInt8]) -> Judged? {
        guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0),
            let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        for key in ["user", "item", "timestamp", "value", "id"]
        where text.components(separatedBy: "\"\(key)\"").count > 2 { return nil }
        func raw(_ key: String) -> String? {
            let pattern = "\"\(key)\"\\s*:\\s*(-?[0-9.eE+-]+)"
            guard let match = text.range(of: pattern, options: .regularExpression) else {
                return nil
            }
            return text[match].split(separator: ":").last
                .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        }
        func id(_ key: String) -> String? {
            if let string = object[key] as? String {
                return (1...512).contains(string.utf8.count) ? string : nil
            }
            guard object[key] is NSNumber, let digits = raw(key) else { return nil }
            return digits.allSatisfy { "-0123456789".contains($0) } ? digits : nil
        }
        guard let user = id("user"), let item = id("item"), let time = raw("timestamp"),
            object["timestamp"] is NSNumber, let timestamp = Int64(time), timestamp >= 0
        else { return nil }
        if let other = object["id"], !(other is NSNull), id("id") == nil { return nil }
        var value = 1.0
        if let given = object["value"], !(given is NSNull) {
            guard given is NSNumber, let digits = raw("value"), let number = Double(digits) else {
                return nil
            }
            value = number
        }
        return Judged(user: user, item: item, timestamp: timestamp, value: value)
    }
}
