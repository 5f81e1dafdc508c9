import Foundation
import KafkaClient
import KafkaWire
import Streaming
import Testing

@testable import freshet

/// `freshet broker status` against a broker.
@Suite(.serialized) struct BrokerStatusTests {
    private func status(
        _ effective: EffectiveConfiguration,
        data: String? = nil
    ) throws -> BrokerStatus {
        let connection = try BrokerConnection(
            effective.configuration.kafka.bootstrapServers,
            timeout: patience
        )
        return try BrokerStatus(connection, data: data, now: .max)
    }

    /// Makes two topics, and an open transaction of three records in partition 1 of the first.
    private func prepare(_ effective: EffectiveConfiguration) throws -> KafkaProducer {
        _ = try effective.connectedAdmin().createTopics(
            [
                NewTopic(name: "events", partitionCount: 2),
                NewTopic(
                    name: "profiles",
                    partitionCount: 1,
                    configuration: ["cleanup.policy": "compact"]
                ),
            ],
            timeout: patience
        )
        let producer = try KafkaProducer(effective.kafkaSettings, transactionalID: "tx")
        try producer.initializeTransactions(timeout: patience)
        try producer.beginTransaction()
        for value in ["a", "b", "c"] {
            try producer.send(
                OutgoingRecord(topic: "events", partition: 1, value: Array(value.utf8)),
                token: 0
            )
        }
        _ = try producer.flush(timeout: patience)
        return producer
    }

    @Test func `a group whose topic is gone is shown without a lag`() {
        let status = BrokerStatus(
            groups: [
                BrokerStatus.Group(
                    group: "g",
                    state: "Empty",
                    members: 0,
                    offsets: [
                        BrokerStatus.Position(topic: "gone", partition: 0, committed: 5, lag: nil)
                    ]
                )
            ]
        )
        #expect(status.lines.contains("g      Empty  0        gone   -"))
    }

    @Test func `topics and transactions are shown as they are`() async throws {
        try await withBroker { effective in
            let producer = try prepare(effective)
            let status = try status(effective)
            #expect(status.topics.map(\.topic) == ["events", "profiles"])
            #expect(status.topics.map(\.cleanupPolicy) == ["delete", "compact"])
            let partition = status.topics[0].partitions[1]
            #expect(partition.startOffset == 0)
            #expect(partition.endOffset == 3)
            #expect(partition.lastStableOffset == 0)
            #expect(partition.bytes > 61)
            #expect(status.topics[0].partitions[0].bytes == 0)
            #expect(status.transactions.map(\.transactionalID) == ["tx"])
            #expect(status.transactions.map(\.state) == ["Ongoing"])
            #expect(status.transactions.map(\.partitions) == [["events-1"]])
            let lines = status.lines
            #expect(lines.contains { $0.contains("nothing is compacted yet") })
            #expect(lines.contains { $0.hasPrefix("events-1: readers of committed records wait") })
            try producer.abortTransaction(timeout: patience)
            let after = try self.status(effective)
            #expect(after.transactions == [])
            #expect(after.lines.contains("no open transactions"))
        }
    }

    @Test func `the lag of a group is shown, and that it has not committed everywhere`()
        async throws
    {
        try await withBroker { effective in
            let producer = try prepare(effective)
            try producer.commitTransaction(timeout: patience)
            let connection = try BrokerConnection(
                effective.configuration.kafka.bootstrapServers,
                timeout: patience
            )
            let commit: Fields = ["partitionIndex": 1, "committedOffset": 1]
            let topic: Fields = ["name": "events", "partitions": [.structure(commit)]]
            _ = try connection.ask(
                .offsetCommit,
                ["groupId": "readers", "topics": [.structure(topic)]]
            )
            let status = try status(effective)
            // Two records and the marker.
            let position = BrokerStatus.Position(
                topic: "events",
                partition: 1,
                committed: 1,
                lag: 3
            )
            #expect(status.groups.map(\.group) == ["readers"])
            #expect(status.groups.map(\.state) == ["Empty"])
            #expect(status.groups.map(\.offsets) == [[position]])
            #expect(status.lines.contains { $0.contains("3 in 1 of 2 partitions") })
        }
    }

    @Test func `damaged data that was put aside is listed, where it can be seen`() async throws {
        try await withBroker { effective in
            let status = try self.status(effective)
            #expect(status.quarantine.files == [:])
            #expect(status.lines.last == "no quarantined files")
            let directory = status.broker.dataDirectory + "/quarantine/t-0-1"
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
            try Data(count: 7).write(to: URL(fileURLWithPath: directory + "/x.log"))
            #expect(try self.status(effective).quarantine.files == ["t-0-1/x.log": 7])
            let elsewhere = try self.status(effective, data: "/nowhere")
            #expect(elsewhere.quarantine.files == nil)
            #expect(elsewhere.lines.last?.contains("/nowhere/quarantine") == true)
        }
    }

    @Test func `who does not answer as a broker is named`() throws {
        for (address, part) in [
            ("127.0.0.1:1", "Connection refused"), ("nowhere", "is not host:port"),
        ] {
            let failure = #expect(throws: CommandFailure.self) {
                try BrokerConnection(address, timeout: .seconds(1))
            }
            #expect(failure?.status == .unreachable)
            #expect(failure?.message.contains(address) == true)
            #expect(failure?.remedy.contains(part) == true)
        }
    }
}
