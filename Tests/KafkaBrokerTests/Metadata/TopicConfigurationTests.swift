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
        #expect(configuration.retentionMilliseconds == 604_800_000)
        #expect(configuration.retentionByteCount == nil)
        #expect(configuration.segmentByteCount == 134_217_728)
        #expect(configuration.maximumBatchByteCount == 1_048_588)
        #expect(configuration.deletesOldRecords)
        #expect(!configuration.isCompacted)
        #expect(!configuration.usesAppendTime)
        try configuration.set("retention.ms", to: "-1")
        try configuration.set("cleanup.policy", to: "compact, delete")
        try configuration.set("message.timestamp.type", to: "LogAppendTime")
        #expect(configuration.retentionMilliseconds == nil)
        #expect(configuration.isCompacted)
        #expect(configuration.deletesOldRecords)
        #expect(configuration.usesAppendTime)
        #expect(configuration.isSet("retention.ms"))
        try configuration.set("retention.ms", to: nil)
        #expect(!configuration.isSet("retention.ms"))
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
            return error.kind == .invalidTopicSetting && error.message.contains(name)
                && error.message.contains(value) && !error.remedy.isEmpty
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
            ("compression.type", "producer"), ("min.insync.replicas", "1"), ("preallocate", nil),
        ])
        #expect(configuration.value("compression.type") == "producer")
        #expect(configuration.value("nonsense") == nil)
    }
}
