import NIOCore

/// How an embedded broker is to run; every value but the data directory has a default.
public struct BrokerSettings: Sendable, Equatable {
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
    /// How often records that topics no longer keep are looked for.
    public var retentionCheckMilliseconds = 300_000
    /// The size at which a topic's log begins a new file, unless the topic says otherwise.
    public var segmentBytes = 128 << 20
    /// The largest batch that a topic accepts, unless the topic says otherwise.
    public var maxMessageBytes = 1_048_588
    /// How long a group waits for more members before its first generation.
    public var groupInitialRebalanceDelayMilliseconds = 0
    /// How long a group's offsets are kept after its last member has left.
    public var offsetsRetentionMilliseconds = 604_800_000
    /// After how many milliseconds without a batch an idempotent producer is forgotten.
    public var producerExpirationMilliseconds = 86_400_000
    /// The largest request; a larger one closes the connection.
    public var socketRequestMaxBytes = 104_857_600
    /// The most bytes of records in one answer.
    public var fetchMaxBytes = 57_671_680
    /// The most bytes that requests under way may take together; above it sockets are not read.
    public var requestMemoryBytes = 256 << 20
    /// With less free space on the disk, records are refused until there is more again.
    public var minimumFreeBytes = 256 << 20
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

    /// Checks what can be checked without touching the system; errors name the keys of the
    /// configuration file, and the few settings that have none by their names here.
    func validate() throws(BrokerError) {
        guard !dataDirectory.isEmpty else { throw Self.wrong("broker.data is empty", "name one") }
        _ = try FaultPoint(faultPoint)
        try validateAddress()
        let ranges: [(String, Int, ClosedRange<Int>)] = [
            ("broker.port", port, 0...65535),
            ("broker.default_partitions", numPartitions, 1...10_000),
            ("socketRequestMaxBytes", socketRequestMaxBytes, 1024...Int(Int32.max) - 4),
            ("fetchMaxBytes", fetchMaxBytes, 1024...1 << 30),
            ("broker.request_memory", requestMemoryBytes, socketRequestMaxBytes...Int.max),
            ("broker.minimum_free_space", minimumFreeBytes, 0...Int.max),
            ("broker.maximum_connections", maxConnections, 1...1_000_000),
            ("connectionsMaxIdleMilliseconds", connectionsMaxIdleMilliseconds, Self.upToADay),
            ("requestArrivalMilliseconds", requestArrivalMilliseconds, Self.upToADay),
            ("answerAcceptanceMilliseconds", answerAcceptanceMilliseconds, Self.upToADay),
        ]
        let times: [(String, Int, ClosedRange<Int>)] = [
            (
                "broker.group_initial_rebalance_delay", groupInitialRebalanceDelayMilliseconds,
                0...300_000
            ),
            // 3,650 days: who wants more wants no retention.
            ("broker.offsets_retention", offsetsRetentionMilliseconds, 1...315_360_000_000),
            // 24 days: Kafka shows it as a number of 32 bits.
            (
                "broker.producer_id_expiration", producerExpirationMilliseconds,
                1...2_073_600_000
            ),
            ("broker.flush_interval", flushIntervalMilliseconds, Self.upToADay),
            ("broker.retention_check_interval", retentionCheckMilliseconds, Self.upToADay),
        ]
        try Self.check(ranges, unit: "")
        try Self.check(times, unit: "ms")
        for (key, setting, value) in topicKeys {
            do throws(BrokerError) {
                try TopicSetting.named[setting]?.validate(value)
            } catch {
                throw Self.wrong("\(key): \(error.message)", error.remedy)
            }
        }
    }

    private static func check(
        _ ranges: [(String, Int, ClosedRange<Int>)],
        unit: String
    ) throws(BrokerError) {
        for (name, value, range) in ranges where !range.contains(value) {
            let remedy = "use \(range.lowerBound)\(unit) to \(range.upperBound)\(unit)"
            throw wrong("\(name) = \(value)\(unit)", remedy)
        }
    }

    /// A client must be able to connect to the address that it is told.
    private func validateAddress() throws(BrokerError) {
        let host = clientHost
        let key = advertisedHost == nil ? "broker.host" : "broker.advertised_host"
        let shown = "\(key) = \"\(host.escapingControlCharacters)\""
        let bytes = try? SocketAddress(ipAddress: host, port: 0)
        let isAnyAddress = [host, bytes?.ipAddress].contains { ["0.0.0.0", "::"].contains($0) }
        guard !host.isEmpty, !isAnyAddress, host != "*" else {
            throw Self.wrong(
                "\(shown): clients cannot connect to that address",
                "set broker.advertised_host to a name or address of this machine"
            )
        }
        guard host != "localhost" else {
            throw Self.wrong(
                "\(shown): some clients try ::1 first, some 127.0.0.1",
                "use 127.0.0.1"
            )
        }
        let isName =
            host.contains(where: \.isLetter)
            && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
        guard isName || bytes != nil else {
            throw Self.wrong("\(shown) is not a host", "give a name or an address, without a port")
        }
    }

    private static let upToADay = 1...86_400_000

    private static func wrong(_ message: String, _ remedy: String) -> BrokerError {
        BrokerError(.configuration, message, remedy: remedy)
    }
}
