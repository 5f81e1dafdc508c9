import Foundation
import KafkaClient
import Streaming
import Testing
import TextRecognition

/// The reader of lines through topics and processes: labels and requests are raw pictures.
@Suite(.serialized) struct ReaderTests {
    private static let patience = Duration.seconds(120)

    /// A network that is small enough to be learned by a debug build.
    private static let settings = [
        "model.kind=reader", "model.settings.widths=[8, 8, 8, 8, 8]",
        "model.settings.dilations=[1]", "model.settings.start=random",
        "model.settings.replay.base_lines_per_step=0", "model.settings.labels_per_update=4",
        "model.settings.steps_per_update=2", "model.settings.lines_per_step=6",
        "model.settings.replay.limit=64KiB", "trainer.publish_interval=20ms",
        "trainer.checkpoint_interval=200ms",
    ].flatMap { ["--set", $0] }

    private struct Rebuilt: Decodable {
        let equal: Bool?
        let events: Int
    }

    private struct Answer: Decodable {
        let request: String?
        let text: String?
        let characters: [Double]?
        let valid: Bool?
        let error: String?
        let position: Int?
        let cards: [Card]?

        struct Card: Decodable, Equatable {
            struct Field: Decodable, Equatable {
                let field: String
                let text: String
                let confidence: Double
            }
            let template: String
            let quad: [[Double]]
            let fields: [Field]
        }
    }

    private static func picture(_ number: Int) -> [UInt8] {
        var image = GrayImage(
            width: 24,
            height: 32,
            pixels: [UInt8](repeating: 200, count: 24 * 32)
        )
        for y in 6..<26 {
            for x in 4..<20 where (x + number) % 5 < 2 { image.pixels[y * 24 + x] = 40 }
        }
        return image.png()
    }

    private static func send(_ records: [OutgoingRecord], _ settings: KafkaSettings) throws {
        let producer = try KafkaProducer(settings)
        for record in records { try producer.send(record, token: 0) }
        #expect(try producer.flush(timeout: patience))
    }

    private static func label(_ number: Int) -> OutgoingRecord {
        OutgoingRecord(
            topic: "text-labels",
            key: Array("document-\(number % 5)".utf8),
            value: picture(number),
            headers: [
                RecordHeader(name: "text", text: "\(number % 10)"),
                RecordHeader(name: "field", text: "number"),
                RecordHeader(name: "timestamp", text: "\(1_000_000 + number)"),
            ]
        )
    }

    private func values(
        of topic: String,
        count: Int,
        _ settings: KafkaSettings
    ) throws -> [(value: [UInt8], headers: [RecordHeader])] {
        let consumer = try KafkaConsumer(settings, topics: [topic])
        let partitions = try consumer.partitions(of: topic, timeout: Self.patience)
        try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
        var found: [(value: [UInt8], headers: [RecordHeader])] = []
        try wait("\(count) records of \(topic)") {
            let batch = try consumer.poll(maximumCount: 100, timeout: .milliseconds(100))
            for (index, record) in batch.records.enumerated() {
                found.append((record.value.map(Array.init) ?? [], batch.headers(at: index)))
            }
            return found.count >= count
        }
        return found
    }

    @Test func `a reader that is killed learns each label once, and the same as undisturbed`()
        throws
    {
        let installation = try Installation()
        try installation.startBroker()
        let kafka = KafkaSettings(bootstrapServers: installation.address)
        _ = try installation.run(["topics", "apply"])
        var labels = (0..<30).map(Self.label)
        labels[7].headers[0] = RecordHeader(name: "text", text: "SECRET!")
        try Self.send(labels, kafka)
        try installation.start("trainer", ["train"] + Self.settings)
        try wait("a version of some labels") {
            // Before the trainer has made the store there is none.
            let list = try? installation.run(["models", "list", "--model", "reader", "--json"])
            return list?.contains(/"event_count":[1-9]/) == true
        }
        installation.kill9("trainer")
        try Self.send((30..<40).map(Self.label), kafka)
        _ = try installation.run(["train", "--until-end"] + Self.settings)

        let letters = try values(of: "dead-letters", count: 1, kafka)
        #expect(letters.allSatisfy { $0.value == Self.picture(7) })
        let reason = Self.reason(of: letters[0].headers)
        #expect(reason.contains("not in the alphabet"))
        #expect(!reason.contains("SECRET"))
        #expect(!installation.log("trainer").contains("SECRET"))
        try compareWithUndisturbed(installation)
    }

    /// A rebuild, and a trainer that nobody killed, come to the same bytes.
    private func compareWithUndisturbed(_ installation: Installation) throws {
        let rebuild = ["models", "rebuild", "latest", "--json", "--model", "reader"]
        let rebuilt = try JSONDecoder().decode(
            Rebuilt.self,
            from: Data(try installation.run(rebuild).utf8)
        )
        #expect(rebuilt.equal == true)
        #expect(rebuilt.events == 39)
        let other = installation.folder + "/other"
        try installation.start(
            "undisturbed",
            ["train", "--until-end"] + Self.settings + ["--set", "model.name=undisturbed"],
            store: other
        )
        #expect(installation.finish("undisturbed") == 0, "\(installation.log("undisturbed"))")
        try installation.start(
            "again",
            [
                "models", "rebuild", "latest", "--model", "undisturbed", "--output",
                "other.safetensors",
            ],
            store: other
        )
        #expect(installation.finish("again") == 0, "\(installation.log("again"))")
        _ = try installation.run(rebuild + ["--output", "own.safetensors"])
        let files = try ["own", "other"].map {
            try Data(contentsOf: URL(filePath: "\(installation.folder)/\($0).safetensors"))
        }
        #expect(files[0] == files[1])
    }

    @Test func `the scorer and a version read the same, and refuse what is no picture`() throws {
        let installation = try Installation()
        try installation.startBroker()
        let kafka = KafkaSettings(bootstrapServers: installation.address)
        _ = try installation.run(["topics", "apply"])
        try Self.send((0..<20).map(Self.label), kafka)
        _ = try installation.run(["train", "--until-end"] + Self.settings)
        try installation.start("scorer", ["score"] + Self.settings)
        let file = installation.folder + "/line.png"
        try Data(Self.picture(3)).write(to: URL(filePath: file))
        let read = ["read", file, "--json", "--pattern", #"\d{1,2}"#, "--model", "reader"]
        let decoder = JSONDecoder()
        let stored = try decoder.decode(
            Answer.self,
            from: Data(try installation.run(read).utf8)
        )
        let live = try decoder.decode(
            Answer.self,
            from: Data(try installation.run(read + ["--live", "--timeout", "60s"]).utf8)
        )
        #expect(stored.text != nil)
        #expect(stored.text == live.text)
        #expect(stored.characters == live.characters)
        #expect(live.valid == true)
        #expect(live.position == 20)
        let cards = try readCards(installation)

        let bad = OutgoingRecord(
            topic: "text-requests",
            value: Array("SECRET".utf8),
            headers: [RecordHeader(name: "request", text: "r2")]
        )
        try Self.send([bad], kafka)
        let answers = try values(of: "text-predictions", count: 2 + cards, kafka).map {
            try decoder.decode(Answer.self, from: Data($0.value))
        }
        let refusal = try #require(answers.first { $0.request == "r2" })
        #expect(refusal.error?.contains("SECRET") == false)
        let letters = try values(of: "dead-letters", count: 1, kafka)
        #expect(letters[0].value == Array("SECRET".utf8))
        #expect(installation.stop("scorer") == 0)
    }

    /// Has photographs read by the version and by the scorer; how many the scorer was sent.
    private func readCards(_ installation: Installation) throws -> Int {
        let generator = try CardGenerator(seed: 424_242)
        // One card, and none.
        let files = try [0, 1].map { index in
            let file = installation.folder + "/scene\(index).jpg"
            let bytes = generator.scene(at: index).image.jpeg(quality: 90)
            try Data(bytes).write(to: URL(filePath: file))
            return file
        }
        let read = ["read", "--cards", "--model", "reader"] + files
        let answers = try [["--json"], ["--json", "--live", "--timeout", "60s"]].map { options in
            try installation.run(read + options).split(separator: "\n")
                .map { try JSONDecoder().decode(Answer.self, from: Data($0.utf8)) }
        }
        #expect(answers.allSatisfy { $0.map { $0.cards?.count } == [1, 0] })
        #expect(answers[0].map(\.cards) == answers[1].map(\.cards))
        #expect(answers[1].allSatisfy { $0.position == 20 })
        #expect(try installation.run(read).contains("no card"))
        return files.count
    }

    @Test func `without a store the base model reads, and a file that is no picture is told`()
        throws
    {
        let installation = try Installation()
        try installation.startBroker()
        let generator = try LineGenerator(seed: 77)
        let files = try (0..<4).map { index in
            let file = installation.folder + "/\(index).png"
            try Data(generator.line(at: index).image.png()).write(to: URL(filePath: file))
            return file
        }
        let output = try installation.run(["read", "--json"] + files)
        let answers = try output.split(separator: "\n")
            .map { try JSONDecoder().decode(Answer.self, from: Data($0.utf8)) }
        let right = (0..<4).count { index in
            answers[index].text?.filter { $0 != " " }
                == generator.line(at: index).text.filter { $0 != " " }
        }
        #expect(right >= 3, "\(output)")
        try Data("SECRET".utf8).write(to: URL(filePath: files[2]))
        #expect(throws: (any Error).self) { try installation.run(["read"] + files) }
    }

    @Test func `the demonstration tells how well both kinds of lines are read`() throws {
        struct Result: Decodable {
            struct Figures: Decodable { let lines: Int }
            struct Stage: Decodable {
                let labels: Int
                let new: Figures
                let old: Figures
            }
            let scenario: String
            let stages: [Stage]
            let versionsPublished: Int

            private enum CodingKeys: String, CodingKey {
                case scenario, stages
                case versionsPublished = "versions_published"
            }
        }
        let installation = try Installation()
        try installation.startBroker()
        let settings = Self.settings.filter { !$0.hasPrefix("model.kind") }
        let output = try installation.run(
            [
                "quickstart", "--model", "cards", "--directory", "\(installation.folder)/demo",
                "--labels", "33", "--lines", "3", "--json",
            ] + Array(settings.dropFirst())
        )
        let result = try JSONDecoder().decode(Result.self, from: Data(output.utf8))
        #expect(result.scenario == "new-font")
        #expect(result.stages.map(\.labels) == [0, 32, 33])
        #expect(result.stages.allSatisfy { $0.new.lines == 3 && $0.old.lines == 3 })
        #expect(result.versionsPublished >= 2)
    }

    @Test func `each damaged picture becomes a dead letter, and the good ones are learned`() throws
    {
        let installation = try Installation()
        try installation.startBroker()
        let kafka = KafkaSettings(bootstrapServers: installation.address)
        _ = try installation.run(["topics", "apply"])
        let whole = Self.picture(1)
        let damaged = (0..<300).map { number in
            var record = Self.label(number)
            var bytes = whole
            if number % 2 == 0 {
                bytes.removeLast(1 + number % (whole.count - 1))
            } else {
                // Every byte of a PNG is covered by a check sum.
                bytes[number % whole.count] ^= UInt8(1 << (number % 8))
            }
            record.value = bytes
            return record
        }
        try Self.send(damaged + (0..<5).map(Self.label), kafka)
        _ = try installation.run(["train", "--until-end"] + Self.settings)
        let letters = try values(of: "dead-letters", count: damaged.count, kafka)
        #expect(letters.map(\.value) == damaged.map(\.value))
        #expect(letters.allSatisfy { !Self.reason(of: $0.headers).isEmpty })
        let list = try installation.run(["models", "list", "--model", "reader", "--json"])
        #expect(list.contains("\"event_count\":5"), "\(list)")
    }

    private static func reason(of headers: [RecordHeader]) -> String {
        let value = headers.first { $0.name == "reason" }?.value ?? []
        return String(decoding: value, as: UTF8.self)
    }
}
