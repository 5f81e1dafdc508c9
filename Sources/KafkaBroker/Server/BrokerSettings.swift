/// How an embedded broker is to run; every value but the data directory has a default.
public struct BrokerSettings: Sendable, Codable, Equatable {
    /// Where topics, offsets and groups are kept; made if it does not exist.
    public var dataDirectory: String
    /// The address to listen on; with the default, `::1` is listened on too where it exists.
    public var host = "127.0.0.1"
    /// The address that clients are told to connect to; nil means `host`.
    public var advertisedHost: String?
    /// The port to listen on; 0 picks a free one.
    public var port = 9092
    /// The number of partitions of a topic that is created without naming one.
    public var numPartitions = 1
    /// Whether asking for an unknown topic creates it.
    public var autoCreateTopics = true
    /// Accept any replication factor and record 1, instead of refusing all but 1.
    public var clampReplicationFactor = false
    /// After how many milliseconds writes that nobody waits for reach stable storage.
    public var flushIntervalMilliseconds = 1000
    /// Whether a start checks all records, not only those that a crash may have left unfinished.
    public var checksEverything = false
    /// How often records and offsets that are no longer kept are looked for.
    public var retentionCheckMilliseconds = 300_000
    /// The size at which a topic's log begins a new file, unless the topic says otherwise.
    public var segmentBytes = 128 << 20
    /// The largest batch that a topic accepts, unless the topic says otherwise.
    public var maxMessageBytes = 1_048_588
    /// How long a group waits for more members before its first generation.
    public var groupInitialRebalanceDelayMilliseconds = 0
    /// How long a group's offsets are kept after its last member has left.
    public var offsetsRetentionMilliseconds = 604_800_000
    /// The largest request; a larger one closes the connection.
    public var socketRequestMaxBytes = 104_857_600
    /// The most bytes of records in one answer.
    public var fetchMaxBytes = 57_671_680
    /// The most bytes that requests under way may take together; above it sockets are not read.
    public var requestMemoryBytes = 256 << 20
    /// The most connections at a time; further ones are closed at once.
    public var maxConnections = 1000
    /// After how many milliseconds without a request a connection is closed.
    public var connectionsMaxIdleMilliseconds = 600_000
    /// How many milliseconds a request may take to arrive once it has begun.
    public var requestArrivalMilliseconds = 30_000
    /// How many milliseconds a client may take to accept an answer.
    public var answerAcceptanceMilliseconds = 60_000
    /// For tests of crashes only: a `FaultPoint` at which the broker kills itself.
    public var faultPoint: String?

    /// Settings with every default.
    public init(dataDirectory: String) { self.dataDirectory = dataDirectory }

    /// The address that clients are told to connect to.
    var clientHost: String { advertisedHost ?? host }

    /// Checks what can be checked without touching the system.
    func validate() throws(BrokerError) {
        _ = try FaultPoint(faultPoint)
        try check(!dataDirectory.isEmpty, "dataDirectory is empty", "name a directory")
        try check((0...65535).contains(port), "port = \(port)", "use 0 to 65535")
        try check(
            (1...10_000).contains(numPartitions),
            "numPartitions = \(numPartitions)",
            "use 1 to 10000"
        )
        try check(
            !["0.0.0.0", "::", ""].contains(clientHost),
            "clients cannot connect to the address \"\(clientHost)\"",
            "set advertisedHost to a name or address of this machine"
        )
        try check(
            socketRequestMaxBytes >= 1024 && socketRequestMaxBytes <= Int32.max - 4,
            "socketRequestMaxBytes = \(socketRequestMaxBytes)",
            "use 1024 to 2147483643"
        )
        try check(
            requestMemoryBytes >= socketRequestMaxBytes,
            "requestMemoryBytes = \(requestMemoryBytes) is less than socketRequestMaxBytes",
            "make it at least \(socketRequestMaxBytes)"
        )
        try check(maxConnections >= 1, "maxConnections = \(maxConnections)", "use 1 or more")
        for (name, value) in topicDefaults {
            do throws(BrokerError) {
                try TopicSetting.named[name]?.validate(value)
            } catch {
                throw BrokerError(.configuration, error.message, remedy: error.remedy)
            }
        }
        try check(
            fetchMaxBytes >= 1024 && fetchMaxBytes <= 1 << 30,
            "fetchMaxBytes = \(fetchMaxBytes)",
            "use 1024 to 1073741824"
        )
        let aDay = 1...86_400_000
        for (name, value, allowed) in [
            (
                "groupInitialRebalanceDelayMilliseconds", groupInitialRebalanceDelayMilliseconds,
                0...300_000
            ),
            // 3,650 days: who wants more wants no retention.
            ("offsetsRetentionMilliseconds", offsetsRetentionMilliseconds, 1...315_360_000_000),
            ("flushIntervalMilliseconds", flushIntervalMilliseconds, aDay),
            ("retentionCheckMilliseconds", retentionCheckMilliseconds, aDay),
            ("connectionsMaxIdleMilliseconds", connectionsMaxIdleMilliseconds, aDay),
            ("requestArrivalMilliseconds", requestArrivalMilliseconds, aDay),
            ("answerAcceptanceMilliseconds", answerAcceptanceMilliseconds, aDay),
        ] {
            try check(
                allowed.contains(value),
                "\(name) = \(value)",
                "use \(allowed.lowerBound) to \(allowed.upperBound)"
            )
        }
    }

    private func check(
        _ condition: Bool,
        _ message: String,
        _ remedy: String
    ) throws(BrokerError) {
        if !condition { throw BrokerError(.configuration, message, remedy: remedy) }
    }
}

extension BrokerSettings {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case dataDirectory, host, advertisedHost, port, numPartitions, autoCreateTopics,
            clampReplicationFactor, flushIntervalMilliseconds, segmentBytes, maxMessageBytes,
            groupInitialRebalanceDelayMilliseconds, offsetsRetentionMilliseconds,
            socketRequestMaxBytes, fetchMaxBytes,
            requestMemoryBytes, maxConnections, connectionsMaxIdleMilliseconds,
            requestArrivalMilliseconds, answerAcceptanceMilliseconds, retentionCheckMilliseconds,
            checksEverything
    }

    /// Any key, so that one that nobody knows can be told from one that is missing.
    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads settings; what is missing has its default, an unknown key is an error.
    public init(from decoder: any Decoder) throws {
        let given = try decoder.container(keyedBy: AnyKey.self).allKeys
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        if let unknown = given.first(where: { !known.contains($0.stringValue) }) {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [unknown],
                    debugDescription: "the broker has no setting \"\(unknown.stringValue)\""
                )
            )
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ setting: inout Value) throws {
            if let value = try values.decodeIfPresent(Value.self, forKey: key) { setting = value }
        }
        self.init(dataDirectory: try values.decode(String.self, forKey: .dataDirectory))
        advertisedHost = try values.decodeIfPresent(String.self, forKey: .advertisedHost)
        try read(.host, &host)
        try read(.port, &port)
        try read(.numPartitions, &numPartitions)
        try read(.autoCreateTopics, &autoCreateTopics)
        try read(.clampReplicationFactor, &clampReplicationFactor)
        try read(.flushIntervalMilliseconds, &flushIntervalMilliseconds)
        try read(.retentionCheckMilliseconds, &retentionCheckMilliseconds)
        try read(.checksEverything, &checksEverything)
        try read(.segmentBytes, &segmentBytes)
        try read(.maxMessageBytes, &maxMessageBytes)
        try read(.groupInitialRebalanceDelayMilliseconds, &groupInitialRebalanceDelayMilliseconds)
        try read(.offsetsRetentionMilliseconds, &offsetsRetentionMilliseconds)
        try read(.socketRequestMaxBytes, &socketRequestMaxBytes)
        try read(.fetchMaxBytes, &fetchMaxBytes)
        try read(.requestMemoryBytes, &requestMemoryBytes)
        try read(.maxConnections, &maxConnections)
        try read(.connectionsMaxIdleMilliseconds, &connectionsMaxIdleMilliseconds)
        try read(.requestArrivalMilliseconds, &requestArrivalMilliseconds)
        try read(.answerAcceptanceMilliseconds, &answerAcceptanceMilliseconds)
    }
}
