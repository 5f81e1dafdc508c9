import Foundation
import Testing

@testable import freshet

/// The events of a text, in the order in which they are sent, as JSON.
private func imported(
    _ text: String,
    _ options: ImportOptions = ImportOptions(),
    order: EventFile.Order = .timestamp
) throws -> (events: [String], bad: [EventFile.BadLine]) {
    let file = try EventFile(
        LineFile(name: "FILE", bytes: Array(text.utf8)),
        options: options,
        order: order
    )
    var encoder = InteractionEncoder()
    let events = try (0..<file.count).map { index in
        encoder.encode(try file.event(at: index))
        return String(decoding: encoder.bytes, as: UTF8.self)
    }
    return (events, file.badLines)
}

@Suite struct ImportTests {
    @Test func `u.data is read and put in order`() throws {
        let (events, bad) = try imported("196\t242\t3\t881250949\n186\t302\t4\t881250948\n")
        #expect(bad.isEmpty)
        #expect(
            events == [
                #"{"user":"186","item":"302","value":4,"timestamp":881250948000}"#,
                #"{"user":"196","item":"242","value":3,"timestamp":881250949000}"#,
            ]
        )
    }

    @Test func `ratings.csv is read`() throws {
        let text =
            "userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n1,1029,3.0,1260759179\r\n"
        let (events, bad) = try imported(text)
        #expect(bad.isEmpty)
        #expect(
            events == [
                #"{"user":"1","item":"31","value":2.5,"timestamp":1260759144000}"#,
                #"{"user":"1","item":"1029","value":3,"timestamp":1260759179000}"#,
            ]
        )
    }

    @Test func `ratings.dat is read`() throws {
        let (events, _) = try imported("1::1193::5::978300760\n")
        #expect(events == [#"{"user":"1","item":"1193","value":5,"timestamp":978300760000}"#])
    }

    @Test func `a CSV with usual names needs no options`() throws {
        let (events, _) = try imported("\u{FEFF}item,user,rating,timestamp\ni,u,2,1291191960\n")
        #expect(events == [#"{"user":"u","item":"i","value":2,"timestamp":1291191960000}"#])
    }

    @Test func `a CSV with other names, quotes, delimiter and unit is read`() throws {
        var options = ImportOptions()
        options.columns = "user=who,item=what,timestamp=when"
        options.delimiter = ";"
        options.unit = .iso8601
        let text = "when;\"what\";who\n2024-05-01T12:00:00Z;\"a;\"\"b\"\"\";Zoë\n"
        let (events, bad) = try imported(text, options)
        #expect(bad.isEmpty)
        #expect(events == [#"{"user":"Zoë","item":"a;\"b\"","timestamp":1714564800000}"#])
    }

    @Test func `columns are counted where there is no heading`() throws {
        var options = ImportOptions(format: .csv, columns: "user=2,item=1,timestamp=4")
        options.hasHeading = false
        let (events, _) = try imported("i,u,x,1000000000000\n", options)
        #expect(events == [#"{"user":"u","item":"i","timestamp":1000000000000}"#])
    }

    @Test func `JSON lines are read, ids may be numbers, other keys are ignored`() throws {
        let text = """
            {"user":"u","item":7,"timestamp":5,"id":"x","extra":{"a":[1]}}
            {"timestamp":6,"value":-1.5,"item":"i","user":12}
            """
        let (events, bad) = try imported(text)
        #expect(bad.isEmpty)
        #expect(
            events == [
                #"{"user":"u","item":"7","timestamp":5,"id":"x"}"#,
                #"{"user":"12","item":"i","value":-1.5,"timestamp":6}"#,
            ]
        )
    }

    @Test(arguments: [
        ("196\t242\t3", "3 fields, at least 4"),
        ("196\t242\tgood\t5", "the value \"good\" is no finite number"),
        ("196\t242\tnan\t5", "no finite number"),
        ("196\t242\tinf\t5", "no finite number"),
        ("196\t242\t1e999\t5", "no finite number"),
        ("\t242\t3\t5", "the user is empty"),
        ("196\t\t3\t5", "the item is empty"),
        ("196\t242\t3\t", "the timestamp \"\""),
        ("196\t242\t3\t-5", "the timestamp \"-5\""),
        ("196\t242\t3\t999999999999", "from 1970 to 9999"),
        ("196\t242\t3\t9223372036854775807", "from 1970 to 9999"),
        ("196\t242\t3\t1e300", "from 1970 to 9999"),
        ("196\t242\t3\tnan", "from 1970 to 9999"),
        (String(repeating: "x", count: 2000) + "\t242\t3\t5", "the user has 2000 bytes"),
    ])
    func `a damaged line is left out and named`(line: String, reason: String) throws {
        let text = "1\t2\t3\t4\n\n\(line)\n5\t6\t1\t7\n"
        let (events, bad) = try imported(text)
        #expect(events.count == 2)
        #expect(bad.count == 1)
        #expect(bad.first?.number == 3)
        #expect(bad.first?.reason.contains(reason) == true, "\(bad)")
    }

    @Test(arguments: [
        (#"{"user":"u","item":"i"}"#, "\"timestamp\" is missing"),
        (#"{"user":"u","timestamp":5}"#, "\"item\" is missing"),
        (#"{"user":null,"item":"i","timestamp":5}"#, "\"user\""),
        (#"{"user":"u","item":[],"timestamp":5}"#, "\"item\""),
        (#"{"user":"u","item":"i","value":"x","timestamp":5}"#, "\"value\" has the wrong type"),
        (#"{"user":"u","item":"i","value":NaN,"timestamp":5}"#, "not JSON"),
        (#"{"user":"u","item":"i","timestamp":"soon"}"#, "the timestamp \"soon\""),
        ("[1]", "JSON object"),
        ("{\"user\"", "not JSON"),
    ])
    func `a damaged JSON line is left out and named`(line: String, reason: String) throws {
        let (events, bad) = try imported(line + "\n", ImportOptions(format: .jsonl))
        #expect(events.isEmpty)
        #expect(bad.first?.reason.contains(reason) == true, "\(bad)")
    }

    @Test func `an id that is not UTF-8 is refused`() throws {
        let bytes: [UInt8] = [0xFF, 0xFE] + Array("\t2\t3\t4\n".utf8)
        let file = try EventFile(
            LineFile(name: "FILE", bytes: bytes),
            options: ImportOptions(format: .uData),
            order: .file
        )
        #expect(file.count == 0)
        #expect(file.badLines.first?.reason == "the user is not UTF-8")
    }

    @Test func `only the first bad lines are kept and all are counted`() throws {
        let text = String(repeating: "x\n", count: 1000)
        let file = try EventFile(
            LineFile(name: "FILE", bytes: Array(text.utf8)),
            options: ImportOptions(format: .uData),
            order: .timestamp
        )
        #expect(file.badCount == 1000)
        #expect(file.badLines.count == EventFile.reportedLimit)
    }

    @Test func `damaged quotes are named`() throws {
        let heading = "user,item,timestamp\n"
        let (_, open) = try imported(heading + "\"u,i,5\n")
        #expect(
            open.first == EventFile.BadLine(number: 2, reason: "a quote is not closed on its line")
        )
        let (_, after) = try imported(heading + "\"u\"x,i,5\n")
        #expect(after.first?.reason == "there is text after a closing quote")
    }

    @Test func `events with the same timestamp keep the order of the file or are shuffled`() throws
    {
        let text = (0..<100).map { "u\t\($0)\t1\t5\n" }.joined()
        let options = ImportOptions(format: .uData)
        let kept = try imported(text, options).events
        #expect(kept == (try imported(text, options, order: .file).events))
        let shuffled = try imported(text, options, order: .timestampShuffled(seed: 1)).events
        #expect(shuffled != kept)
        #expect(shuffled.sorted() == kept.sorted())
        #expect(
            shuffled == (try imported(text, options, order: .timestampShuffled(seed: 1)).events)
        )
    }

    @Test(arguments: [
        ("hello\nworld\n", "", "--format"),
        ("a,b,c\n1,2,3\n", "", "no column for user, item, timestamp"),
        ("a,b,c\n1,2,3\n", "user=A,item=b,timestamp=c", "did you mean \"a\"?"),
        ("a,b,c\n1,2,3\n", "user=a,product=b", "--columns has \"product=b\""),
        ("\"a,b\n", "", "heading"),
    ])
    func `a file that cannot be understood is refused as a whole`(
        text: String,
        columns: String,
        message: String
    ) {
        let error = #expect(throws: CommandFailure.self) {
            try imported(text, ImportOptions(columns: columns))
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.status == .misuse)
    }

    @Test func `an empty file holds no events`() throws {
        #expect(try imported("", ImportOptions(format: .uData)).events.isEmpty)
        #expect(try imported("\n\n", ImportOptions(format: .jsonl)).events.isEmpty)
    }

    @Test(arguments: [
        (TimestampUnit.seconds, "1.5", 1500 as Int64), (.milliseconds, "1500", 1500),
        (.microseconds, "1500999", 1500), (.nanoseconds, "1500000000", 1500),
        (.automatic, "99999999999", 99_999_999_999_000),
        (.automatic, "100000000000", 100_000_000_000),
        (.iso8601, "1970-01-01T00:00:01.500Z", 1500), (.iso8601, "1970-01-01T01:00:01+01:00", 1000),
    ])
    func `timestamps of every unit become milliseconds`(
        unit: TimestampUnit,
        text: String,
        milliseconds: Int64
    ) throws {
        #expect(try unit.milliseconds(text) == milliseconds)
    }

    @Test func `control characters in ids are escaped`() {
        var encoder = InteractionEncoder()
        encoder.encode(
            Interaction(user: [1, 0x1F], item: Array("a".utf8), value: nil, timestamp: 0)
        )
        #expect(
            String(decoding: encoder.bytes, as: UTF8.self)
                == #"{"user":"\u0001\u001f","item":"a","timestamp":0}"#
        )
    }
}
