/// How to reach a Kafka cluster.
///
/// One value serves consumers, producers and administration: a property that only one of them
/// knows is ignored by the others.
public struct KafkaSettings: Sendable, Codable, Equatable {
    /// Addresses of one or more brokers, `host:port` separated by commas.
    public var bootstrapServers: String
    /// The name under which brokers log and limit this client.
    public var clientID: String
    /// Properties of librdkafka, passed through; they win over the defaults of this module.
    ///
    /// Those that its promises depend on are refused when a client is made.
    public var properties: [String: String]

    /// Describes how to reach a cluster.
    public init(
        bootstrapServers: String = "127.0.0.1:9092",
        clientID: String = "freshet",
        properties: [String: String] = [:]
    ) {
        self.bootstrapServers = bootstrapServers
        self.clientID = clientID
        self.properties = properties
    }

    /// Decodes settings; what is absent has the value that `init` gives it.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        if let servers = try values.decodeIfPresent(String.self, forKey: .bootstrapServers) {
            bootstrapServers = servers
        }
        if let clientID = try values.decodeIfPresent(String.self, forKey: .clientID) {
            self.clientID = clientID
        }
        if let properties = try values.decodeIfPresent(
            [String: String].self,
            forKey: .properties
        ) {
            self.properties = properties
        }
    }
}

/// Which records of transactional producers a consumer sees.
public enum IsolationLevel: String, Sendable, CaseIterable {
    /// Only those of committed transactions.
    case readCommitted
    /// All, even those of aborted transactions.
    case readUncommitted

    var property: String {
        switch self {
        case .readCommitted: "read_committed"
        case .readUncommitted: "read_uncommitted"
        }
    }
}

/// Where a group begins to read a partition for which it has committed no offset.
public enum GroupStart: String, Sendable, CaseIterable {
    /// At the first record that is still in the log.
    case earliest
    /// At the end: only records that come later.
    case latest
}
