import Foundation
import KafkaWire

/// Asking.
extension BrokerStatus {
    /// Asks a broker for everything.
    ///
    /// - Parameters:
    ///   - connection: The connection to it.
    ///   - data: The broker's data directory as it is called here; nil for the name that the broker
    ///     tells, if it is on this machine.
    ///   - now: The time in milliseconds since 1970.
    /// - Throws: `CommandFailure` when it does not answer or is no embedded broker.
    init(
        _ connection: BrokerConnection,
        data: String?,
        now: Int64
    ) throws(CommandFailure) {
        let metadata = try connection.ask(.metadata, ["topics": nil])
        guard metadata.array("brokers").count == 1 else {
            throw CommandFailure(
                .failure,
                "\(connection.address) belongs to a cluster of "
                    + "\(metadata.array("brokers").count) brokers",
                remedy: "use Kafka's own tools for it: this is about the embedded broker"
            )
        }
        broker.address = connection.address
        broker.clusterID = metadata.string("clusterId")
        try askSettings(connection, metadata)
        try askSizes(connection)
        try askOffsets(connection)
        try askGroups(connection)
        try askTransactions(connection, now)
        findQuarantine(data)
    }

    private mutating func askSettings(
        _ connection: BrokerConnection,
        _ metadata: Fields
    ) throws(CommandFailure) {
        let found = metadata.array("topics").filter { $0.errorCode() == .none }
        func resource(_ type: Int64, _ name: String, _ key: String) -> WireValue {
            .structure([
                "resourceType": .int(type), "resourceName": .string(name),
                "configurationKeys": [.string(key)],
            ])
        }
        let node = metadata.array("brokers")[0].int32("nodeId")
        let resources =
            [resource(4, "\(node)", "log.dirs")]
            + found.map { resource(2, $0.string("name"), "cleanup.policy") }
        let answer = try connection.ask(.describeConfigs, ["resources": .array(resources)])
        var values: [String: String] = [:]
        for result in answer.array("results") {
            values[result.string("resourceName")] = result.array("configs").first?.string("value")
        }
        broker.dataDirectory = values["\(node)"] ?? ""
        topics = found.map { topic in
            let indexes = topic.array("partitions").map { $0.int32("partitionIndex") }
            return Topic(
                topic: topic.string("name"),
                cleanupPolicy: values[topic.string("name")] ?? "",
                partitions: indexes.sorted().map { Partition(partition: $0) }
            )
        }.sorted { $0.topic < $1.topic }
    }

    private mutating func askSizes(_ connection: BrokerConnection) throws(CommandFailure) {
        let answer = try connection.ask(.describeLogDirs, ["topics": nil])
        for directory in answer.array("results") {
            broker.totalBytes = directory.int64("totalBytes")
            broker.freeBytes = directory.int64("usableBytes")
            for topic in directory.array("topics") {
                for partition in topic.array("partitions") {
                    update(topic.string("name"), partition.int32("partitionIndex")) {
                        $0.bytes = partition.int64("partitionSize")
                    }
                }
            }
        }
    }

    private mutating func askOffsets(_ connection: BrokerConnection) throws(CommandFailure) {
        // -2 is the beginning, -1 the end: for isolation 1 that is the last stable offset.
        let questions: [(Int64, Int64, WritableKeyPath<Partition, Int64>)] = [
            (-2, 0, \.startOffset), (-1, 0, \.endOffset), (-1, 1, \.lastStableOffset),
        ]
        for (timestamp, isolation, property) in questions {
            let wanted = topics.map { topic -> WireValue in
                let partitions = topic.partitions.map { partition -> WireValue in
                    .structure([
                        "partitionIndex": .int(Int64(partition.partition)),
                        "timestamp": .int(timestamp),
                    ])
                }
                return .structure([
                    "name": .string(topic.topic), "partitions": .array(partitions),
                ])
            }
            let answer = try connection.ask(
                .listOffsets,
                ["replicaId": -1, "isolationLevel": .int(isolation), "topics": .array(wanted)]
            )
            for topic in answer.array("topics") {
                for partition in topic.array("partitions") where partition.errorCode() == .none {
                    update(topic.string("name"), partition.int32("partitionIndex")) {
                        $0[keyPath: property] = partition.int64("offset")
                    }
                }
            }
        }
    }

    private mutating func askGroups(_ connection: BrokerConnection) throws(CommandFailure) {
        let names = try connection.ask(.listGroups).array("groups").map { $0.string("groupId") }
        guard !names.isEmpty else { return }
        let described = try connection.ask(
            .describeGroups,
            ["groups": .array(names.map { .string($0) })]
        ).array("groups")
        let committed = try connection.ask(
            .offsetFetch,
            ["groups": .array(names.map { .structure(["groupId": .string($0), "topics": nil]) })]
        ).array("groups")
        groups = described.map { group in
            let name = group.string("groupId")
            let topics = committed.first { $0.string("groupId") == name }?.array("topics") ?? []
            return Group(
                group: name,
                state: group.string("groupState"),
                members: group.array("members").count,
                offsets: topics.flatMap { topic in
                    topic.array("partitions").map { position(topic.string("name"), $0) }
                }.sorted { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
            )
        }.sorted { $0.group < $1.group }
    }

    private func position(_ topic: String, _ committed: Fields) -> Position {
        let index = committed.int32("partitionIndex")
        let offset = committed.int64("committedOffset")
        let partition = topics.first { $0.topic == topic }?
            .partitions.first { $0.partition == index }
        return Position(
            topic: topic,
            partition: index,
            committed: offset,
            lag: partition.map { max(0, $0.endOffset &- max(offset, $0.startOffset)) }
        )
    }

    private mutating func askTransactions(
        _ connection: BrokerConnection,
        _ now: Int64
    ) throws(CommandFailure) {
        let states: WireValue = ["Ongoing", "PrepareCommit", "PrepareAbort"]
        let ids = try connection.ask(.listTransactions, ["stateFilters": states])
            .array("transactionStates").map { $0.string("transactionalId") }
        guard !ids.isEmpty else { return }
        let described = try connection.ask(
            .describeTransactions,
            ["transactionalIds": .array(ids.map { .string($0) })]
        ).array("transactionStates")
        transactions = described.filter { $0.errorCode() == .none }.map { transaction in
            Transaction(
                transactionalID: transaction.string("transactionalId"),
                state: transaction.string("transactionState"),
                producerID: transaction.int64("producerId"),
                producerEpoch: transaction.int16("producerEpoch"),
                ageMilliseconds: max(0, now &- transaction.int64("transactionStartTimeMs")),
                timeoutMilliseconds: transaction.int32("transactionTimeoutMs"),
                partitions: transaction.array("topics").flatMap { topic in
                    topic.int32s("partitions").map { "\(topic.string("topic"))-\($0)" }
                }.sorted()
            )
        }
    }

    private mutating func update(
        _ topic: String,
        _ partition: Int32,
        _ change: (inout Partition) -> Void
    ) {
        guard let first = topics.firstIndex(where: { $0.topic == topic }),
            let second = topics[first].partitions.firstIndex(where: { $0.partition == partition })
        else { return }
        change(&topics[first].partitions[second])
    }
}

/// Looking.
extension BrokerStatus {
    private mutating func findQuarantine(_ data: String?) {
        quarantine.directory = (data ?? broker.dataDirectory) + "/quarantine"
        let files = FileManager.default
        let isHere = ["127.0.0.1:", "[::1]:", "localhost:"].contains {
            broker.address.hasPrefix($0)
        }
        // Of another machine's directory nothing is known, even if one here has the same name.
        guard data != nil || isHere,
            files.fileExists(atPath: data ?? broker.dataDirectory)
        else { return }
        var found: [String: Int64] = [:]
        for case let name as String in files.enumerator(atPath: quarantine.directory) ?? .init() {
            let attributes = try? files.attributesOfItem(
                atPath: quarantine.directory + "/" + name
            )
            guard attributes?[.type] as? FileAttributeType == .typeRegular else { continue }
            found[name] = (attributes?[.size] as? NSNumber)?.int64Value ?? 0
        }
        quarantine.files = found
    }
}
