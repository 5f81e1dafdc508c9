import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

extension TopicConfiguration {
    /// Settings without labels, for brevity.
    init(given settings: [(String, String?)]) throws(BrokerError) {
        try self.init(checking: settings.map { (name: $0, value: $1) })
    }
}

struct TopicConfigurationTests {
    @Test func `every default is a value that its setting allows`() throws {
        for setting in TopicSetting.all {
            try setting.validate(setting.defaultValue)
            #expect(!setting.documentation.isEmpty)
        }
        #expect(TopicSetting.all.map(\.name) == TopicSetting.all.map(\.name).sorted())
    }

    @Test func `defaults hold until a setting is given`() throws {
        var configuration = TopicConfiguration()
        // What a log does without a topic is what a topic without settings makes it do.
        #expect(LogSettings(configuration) == LogSettings())
        try configuration.set("retention.ms", to: "-1")
        try configuration.set("cleanup.policy", to: "compact, delete")
        try configuration.set("message.timestamp.type", to: "LogAppendTime")
        var expected = LogSettings()
        expected.retentionMilliseconds = nil
        expected.isCompacted = true
        expected.usesAppendTime = true
        #expect(LogSettings(configuration) == expected)
        try configuration.set("retention.ms", to: nil)
        #expect(configuration.values["retention.ms"] == nil)
        #expect(configuration.value("retention.ms") == "604800000")
    }

    @Test(arguments: [
        ("retention.ms", "-2"), ("retention.ms", "soon"), ("retention.ms", ""),
        ("retention.ms", "9223372036854775808"), ("segment.bytes", "13"),
        ("segment.bytes", "2147483648"), ("cleanup.policy", "shred"), ("cleanup.policy", "delete,"),
        ("min.cleanable.dirty.ratio", "1.5"), ("min.cleanable.dirty.ratio", "nan"),
        ("message.timestamp.type", "createtime"), ("compression.type", "zstd"),
        ("min.insync.replicas", "2"), ("preallocate", "true"),
    ])
    func `a bad value is refused with its name and value`(_ name: String, _ value: String) {
        #expect {
            _ = try TopicConfiguration(given: [(name, value)])
        } throws: {
            guard let error = $0 as? BrokerError else { return false }
            return error.errorCode == .invalidConfig && error.message.contains(name)
                && error.message.contains(value) && !error.remedy.isEmpty
        }
    }

    @Test func `elements are added to a list once and taken out of it`() throws {
        var configuration = TopicConfiguration()
        try configuration.change("cleanup.policy", adding: ["compact", "delete"])
        #expect(configuration.value("cleanup.policy") == "delete,compact")
        try configuration.change("cleanup.policy", removing: ["delete"])
        #expect(configuration.value("cleanup.policy") == "compact")
        #expect(throws: BrokerError.self) {
            try configuration.change("cleanup.policy", removing: ["compact"])
        }
        #expect(throws: BrokerError.self) {
            try configuration.change("retention.ms", adding: ["1"])
        }
        #expect(configuration.value("cleanup.policy") == "compact")
    }

    @Test func `a stored value that cannot be read counts as the default`() {
        let configuration = TopicConfiguration(stored: ["retention.ms": "soon"])
        #expect(LogSettings(configuration) == LogSettings())
    }

    @Test func `a setting without a value is refused`() {
        #expect(throws: BrokerError.self) {
            _ = try TopicConfiguration(given: [("retention.ms", nil)])
        }
    }

    @Test func `an unknown setting is refused with its name, made harmless`() {
        #expect {
            _ = try TopicConfiguration(given: [("retention\n.seconds", "1")])
        } throws: {
            ($0 as? BrokerError)?.message == "Unknown topic config name: retention\\n.seconds"
        }
    }

    @Test func `settings without effect are accepted at their default`() throws {
        let configuration = try TopicConfiguration(given: [
            ("compression.type", "producer"), ("min.insync.replicas", "1"),
            ("preallocate", "false"),
        ])
        #expect(configuration.value("compression.type") == "producer")
        #expect(configuration.value("nonsense").isEmpty)
    }
}
