import KafkaWire

/// What the broker knows about a topic.
struct Topic: Sendable, Equatable {
    /// Never used again, also when a topic of the same name is created later.
    let id: UUID16
    let name: String
    var partitionCount: Int32
    /// Milliseconds since 1970.
    let creationDate: Int64
    /// The epoch of the topic's partitions in this run: the greater of the broker's start and the
    /// topic's creation.
    let leaderEpoch: Int32
    /// The settings that differ from the broker's.
    var configuration: TopicConfiguration
}

extension Topic {
    /// Most partitions that a topic may have: each costs files and memory.
    static let maximumPartitionCount: Int32 = 10_000

    /// Checks a name that a client wants to give to a topic.
    static func validate(name: String) throws(BrokerError) {
        // 249 leaves room for a partition number in a file name of 255 bytes, as Kafka has it.
        let isAllowed =
            (1...249).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy(nameBytes.contains)
        guard isAllowed else {
            throw BrokerError(
                .invalidTopic,
                "topic name \"\(name.prefix(300).escapingControlCharacters)\" is not allowed",
                remedy: "use 1 to 249 characters of A-Z, a-z, 0-9, \".\", \"_\" and \"-\""
            )
        }
        guard !["__consumer_offsets", "__transaction_state"].contains(name) else {
            throw BrokerError(
                .invalidTopic,
                "topic name \"\(name)\" is reserved",
                remedy: "choose another name; read committed offsets with OffsetFetch"
            )
        }
    }

    /// Checks a number of partitions that a client wants.
    static func validate(partitionCount: Int32) throws(BrokerError) {
        guard (1...maximumPartitionCount).contains(partitionCount) else {
            throw BrokerError(
                .invalidPartitions,
                "a topic cannot have \(partitionCount) partitions",
                remedy: "ask for 1 to \(maximumPartitionCount)"
            )
        }
    }

    private static let nameBytes = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-".utf8
    )
}

extension BrokerError {
    /// There is no topic of that name, or none any more.
    static func unknownTopic(_ name: String) -> BrokerError {
        BrokerError(
            .unknownTopicOrPartition,
            "there is no topic \"\(name.prefix(300).escapingControlCharacters)\""
        )
    }

    /// There is a topic of that name already.
    static func topicExists(_ name: String) -> BrokerError {
        BrokerError(.topicAlreadyExists, "Topic '\(name)' already exists.")
    }
}

extension StringProtocol {
    /// The text with every control character as \u{…}, fit for a log line.
    var escapingControlCharacters: String {
        var result = ""
        for scalar in unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control
            result += isControl ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return result
    }
}
