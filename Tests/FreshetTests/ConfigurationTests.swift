import Foundation
import Learning
import Testing

@testable import freshet

/// Reads a configuration from YAML text in a file of its own.
private func configuration(
    _ yaml: String,
    environment: [String: String] = [:],
    overrides: [EffectiveConfiguration.Override] = []
) throws -> EffectiveConfiguration {
    let file = FileManager.default.temporaryDirectory
        .appendingPathComponent("freshet-\(UUID().uuidString).yaml")
    try yaml.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    do {
        return try EffectiveConfiguration(
            file: file.path,
            environment: environment,
            overrides: overrides
        )
    } catch {
        // The name of the temporary file says nothing: messages are compared without it.
        throw ConfigurationError(
            error.kind,
            error.message.replacing(file.path, with: "FILE"),
            remedy: error.remedy
        )
    }
}

/// What reading a configuration complains about.
private func complaint(
    _ yaml: String,
    environment: [String: String] = [:]
) -> ConfigurationError? {
    do {
        _ = try configuration(yaml, environment: environment)
        return nil
    } catch {
        return error as? ConfigurationError
    }
}

@Suite struct ConfigurationTests {
    @Test func `without file, environment and flags the defaults hold`() throws {
        let effective = try EffectiveConfiguration(exists: { _ in false })
        #expect(effective.configuration == Configuration())
        #expect(effective.origin(of: "trainer.batch_size") == .builtIn)
    }

    @Test func `an empty file and groups without keys leave the defaults`() throws {
        #expect(try configuration("").configuration == Configuration())
        #expect(try configuration("trainer:\n  # batch_size: 1\n").configuration == Configuration())
    }

    @Test func `file, environment and flags win in that order`() throws {
        let yaml = """
            trainer:
              batch_size: 10
              checkpoint_events: 11
              publish_interval: 12ms
            """
        let effective = try configuration(
            yaml,
            environment: [
                "FRESHET_TRAINER__CHECKPOINT_EVENTS": "20",
                "FRESHET_TRAINER__PUBLISH_INTERVAL": "21ms",
            ],
            overrides: [
                EffectiveConfiguration.Override(
                    key: "trainer.publish_interval",
                    value: "30ms",
                    flag: "--set"
                )
            ]
        )
        let trainer = effective.configuration.trainer
        #expect(trainer.batchSize == 10)
        #expect(trainer.checkpointEvents == 20)
        #expect(trainer.publishInterval.duration == .milliseconds(30))
        #expect(trainer.checkpointInterval == Configuration().trainer.checkpointInterval)
        #expect(effective.origin(of: "trainer.publish_interval") == .flag("--set"))
        #expect(
            effective.origin(of: "trainer.checkpoint_events")
                == .environment("FRESHET_TRAINER__CHECKPOINT_EVENTS")
        )
        #expect("\(effective.origin(of: "trainer.batch_size"))".hasSuffix(".yaml:2:15"))
    }

    @Test func `an unknown key is refused with its place and the key that was meant`() {
        let error = complaint("trainer:\n  batch_size: 5\n  publish_intervall: 5ms\n")
        #expect(error?.kind == .unknownKey)
        #expect(error?.message == "FILE:3:22: unknown key \"trainer.publish_intervall\"")
        #expect(error?.remedy == "did you mean \"trainer.publish_interval\"?")
    }

    @Test func `a right key in the wrong group is found`() {
        let error = complaint("kafka:\n  checkpoint_interval: 5s\n")
        #expect(error?.remedy == "did you mean \"trainer.checkpoint_interval\"?")
    }

    @Test func `an unknown key like none lists the keys there are`() {
        let error = complaint("log:\n  something_else: 5\n")
        #expect(error?.remedy == "the keys under \"log\" are level")
    }

    @Test(arguments: [
        ("trainer:\n  batch_size: many", "\"many\"", "a whole number"),
        ("trainer:\n  batch_size: \"5\"", "\"5\"", "a whole number"),
        ("trainer:\n  batch_size: 1.5", "\"1.5\"", "a whole number"),
        ("trainer:\n  batch_size: 99999999999999999999", "\"99999", "a whole number"),
        ("trainer:\n  batch_size: [1, 2]", "a list", "a whole number"),
        ("trainer:\n  batch_size: {a: 1}", "a group of keys", "a whole number"),
        ("trainer:\n  batch_size:", "nothing", "a whole number"),
        ("trainer:\n  publish_interval: 100", "\"100\"", "a duration"),
        ("trainer:\n  publish_interval: 5 minutes", "\"5 minutes\"", "a duration"),
        ("trainer:\n  publish_interval: -5s", "\"-5s\"", "a duration"),
        ("trainer:\n  start: middle", "\"middle\"", "one of earliest, latest"),
        ("trainer: fast", "\"fast\"", "a group of keys"),
        ("broker:\n  auto_create_topics: yes", "\"yes\"", "true or false"),
        ("broker:\n  segment_size: 5 parsecs", "\"5 parsecs\"", "a size"),
        ("log:\n  level: loud", "\"loud\"", "one of trace, debug, info"),
        ("model:\n  settings:\n    initial_scale: .nan", "\".nan\"", "a number"),
        ("model:\n  settings:\n    feedback: both", "\"both\"", "one of implicit, explicit"),
        ("kafka:\n  properties: 5", "\"5\"", "a group of keys"),
        ("kafka:\n  properties:\n    a: [1]", "a list", "text"),
    ])
    func `a value of the wrong type is named with the type expected`(
        yaml: String,
        value: String,
        expectation: String
    ) {
        let error = complaint(yaml)
        #expect(error?.kind == .wrongType)
        #expect(error?.message.hasPrefix("FILE:") == true)
        #expect(error?.message.contains(value) == true, "\(error?.message ?? "accepted")")
        #expect(error?.message.contains("expected \(expectation)") == true)
    }

    @Test(arguments: [
        ("trainer:\n  batch_size: 0", "trainer.batch_size"),
        ("broker:\n  port: 65536", "broker.port"),
        ("model:\n  settings:\n    implicit:\n      negatives: 0", "implicit.negatives"),
        ("topics:\n  names:\n    interactions: a/b", "topics.names.interactions"),
        ("topics:\n  names:\n    interactions: dead-letters", "topics.names"),
        ("trainer:\n  checkpoint_interval: 0s", "trainer.checkpoint_interval"),
    ])
    func `a value that cannot work is refused with its key`(yaml: String, key: String) {
        let error = complaint(yaml)
        #expect(error?.kind == .outOfRange)
        #expect(error?.message.contains(key) == true, "\(error?.message ?? "accepted")")
    }

    @Test func `what is not YAML is refused with its place`() {
        let error = complaint("trainer:\n  batch_size: [1, 2\nlog: {")
        #expect(error?.kind == .syntax)
        #expect(error?.message.hasPrefix("FILE:") == true)
        let twice = complaint("log:\n  level: info\n  level: debug\n")
        #expect(twice?.kind == .syntax)
        #expect(twice?.message.contains("twice") == true)
        #expect(complaint("- a\n- b\n")?.kind == .wrongType)
    }

    @Test func `a file that is not there is refused`() {
        #expect(throws: ConfigurationError.self) {
            try EffectiveConfiguration(file: "/nowhere/freshet.yaml")
        }
    }

    @Test func `properties of librdkafka take any name, from variables too`() throws {
        let effective = try configuration(
            "kafka:\n  properties:\n    security.protocol: SASL_SSL\n    linger.ms: 5\n",
            environment: ["FRESHET_KAFKA__PROPERTIES__SASL_PASSWORD": "secret"]
        )
        #expect(
            effective.configuration.kafka.properties == [
                "security.protocol": "SASL_SSL", "linger.ms": "5", "sasl.password": "secret",
            ]
        )
        let listing = ConfigurationListing(effective)
        #expect(!listing.yaml.contains("secret"))
        #expect(!listing.entries.contains { $0.value.contains("secret") })
    }

    @Test func `a variable of a group is read as YAML`() throws {
        let effective = try configuration(
            "",
            environment: ["FRESHET_KAFKA__PROPERTIES": "{a.b: 1, c: x}"]
        )
        #expect(effective.configuration.kafka.properties == ["a.b": "1", "c": "x"])
    }

    @Test func `an unknown variable is refused, one without two underscores is not ours`() {
        let error = complaint("", environment: ["FRESHET_TRAINER__BATCHSIZE": "5"])
        #expect(error?.message.hasPrefix("FRESHET_TRAINER__BATCHSIZE:") == true)
        #expect(complaint("", environment: ["FRESHET_ONLY": "x"]) == nil)
    }

    @Test func `a listing read as a file gives the same configuration`() throws {
        let effective = try configuration(
            "kafka:\n  client_id: \"a: b\"\n  properties: {x.y: \"1\"}\nbroker:\n  port: 0\n"
        )
        let again = try configuration(ConfigurationListing(effective).yaml)
        #expect(again.configuration == effective.configuration)
    }

    @Test func `keys are the properties in snake case`() {
        #expect(settingKey("publishInterval") == "publish_interval")
        #expect(settingKey("clientID") == "client_id")
        #expect(settingKey("name") == "name")
        #expect(settingKey("producerIDExpiration") == "producer_id_expiration")
    }
}

@Suite struct QuantityTests {
    @Test(arguments: [
        ("100ms", 100_000_000 as Int64), ("30s", 30_000_000_000), ("5m", 300_000_000_000),
        ("1.5s", 1_500_000_000), ("2h", 7_200_000_000_000), ("7d", 604_800_000_000_000),
        ("0", 0), ("0s", 0), ("10 ms", 10_000_000), ("250us", 250_000),
        ("1.000000001s", 1_000_000_001),
    ])
    func `durations are read exactly`(text: String, nanoseconds: Int64) {
        #expect(TimeSpan(settingText: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "s", "10", "-1s", "1e3s", "1,5s", "1.s", ".5s", "5 min", "1.5ns", "200000000d",
        "99999999999999999999s", "٣s",
    ])
    func `what is no duration is refused`(text: String) {
        #expect(TimeSpan(settingText: text) == nil)
    }

    @Test(arguments: ["100ms", "30s", "5m", "1500ms", "2h", "7d", "1us", "0s"])
    func `a duration is written as it is read`(text: String) throws {
        let span = try #require(TimeSpan(settingText: text))
        #expect(span.settingText == text)
    }

    @Test func `a time of less than a millisecond does not become none`() {
        #expect(TimeSpan(.microseconds(1)).milliseconds == 1)
        #expect(TimeSpan(.seconds(Int64.max)).nanoseconds == Int64.max)
        #expect(TimeSpan(.seconds(-1)).nanoseconds == 0)
    }

    @Test(arguments: [
        ("64MiB", 67_108_864 as Int64), ("1.5GiB", 1_610_612_736), ("10MB", 10_000_000),
        ("512B", 512), ("0", 0), ("4 KiB", 4096),
    ])
    func `sizes are read exactly`(text: String, bytes: Int64) {
        #expect(ByteSize(settingText: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "64", "64mib", "-1B", "0.3B", "99999999TiB", "1.1KiB", "MiB"])
    func `what is no size is refused`(text: String) {
        #expect(ByteSize(settingText: text) == nil)
    }

    @Test func `names that differ little are suggested`() {
        #expect(Suggestion.distance("batch_size", "batchsize") == 1)
        #expect(Suggestion.distance("ab", "ba") == 1)
        #expect(Suggestion.distance("", "abc") == 3)
        #expect(Suggestion.nearest(to: "levle", in: ["level", "label"]) == "level")
        #expect(Suggestion.nearest(to: "colour", in: ["level", "port"]) == nil)
    }
}
