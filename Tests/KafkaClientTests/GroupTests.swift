import KafkaClient
import Streaming
import Testing

/// The mock's coordinator takes about `session.timeout.ms` for each rebalance.
@Suite struct GroupTests {
    let cluster: MockCluster
    let both = [
        TopicPartition(topic: "requests", partition: 0),
        TopicPartition(topic: "requests", partition: 1),
    ]

    init() throws {
        cluster = try MockCluster()
        cluster.createTopic("requests", partitionCount: 2)
    }

    func member(
        _ start: GroupStart = .earliest,
        _ properties: [String: String] = [:]
    ) throws -> KafkaConsumer {
        let properties = ["session.timeout.ms": "4000", "heartbeat.interval.ms": "500"]
            .merging(properties) { _, wanted in wanted }
        return try KafkaConsumer(
            cluster.settings(properties),
            group: "scorers",
            topics: ["requests"],
            start: start
        )
    }

    @Test(arguments: ["range", "cooperative-sticky"])
    func `two members share the partitions, and one takes over what the other leaves`(
        strategy: String
    ) throws {
        let properties = ["partition.assignment.strategy": strategy]
        let stayer = try member(.earliest, properties)
        var notices: [StreamNotice] = []
        func step(_ consumer: KafkaConsumer) throws {
            _ = try consumer.poll(maximumCount: 10, timeout: .milliseconds(20))
            if consumer === stayer { notices += consumer.takeNotices() }
        }
        try wait {
            try step(stayer)
            return try stayer.assignment() == both
        }
        #expect(notices == [.assigned(both)])

        let leaver = try member(.earliest, properties)
        try wait {
            try step(stayer)
            try step(leaver)
            return try stayer.assignment().count == 1 && leaver.assignment().count == 1
        }
        #expect(try stayer.assignment() + leaver.assignment() != [both[0], both[0]])
        #expect(try Set(stayer.assignment() + leaver.assignment()) == Set(both))
        #expect(
            notices.contains { notice in
                if case .revoked(let lost) = notice { !lost.isEmpty } else { false }
            }
        )

        leaver.close()
        #expect(
            leaver.takeNotices().contains { notice in
                if case .revoked(let lost) = notice { lost.count == 1 } else { false }
            }
        )
        try wait {
            try step(stayer)
            return try stayer.assignment() == both
        }
        #expect(try stayer.assignment() == both)
    }

    @Test func `a group goes on from its committed offsets and begins where it is told`() throws {
        try cluster.fill("requests", partition: 0, count: 10)
        do {
            let consumer = try member(.earliest)
            #expect(try consumer.copies(10).map(\.offset) == Array(0..<10))
            try consumer.commit([both[0]: 4])
            consumer.close()
        }
        // partition 0 is committed; partition 1 is not, so that "latest" skips what it has.
        try cluster.fill("requests", partition: 1, count: 3)
        let consumer = try member(.latest)
        #expect(try consumer.copies(6).map(\.offset) == Array(4..<10))
        // When exactly the end was looked up is not known: only that the old three are skipped.
        var later: [CopiedRecord] = []
        try wait {
            try cluster.fill("requests", partition: 1, count: 1)
            let batch = try consumer.poll(maximumCount: 10, timeout: .milliseconds(100))
            later += batch.copy(topics: consumer.topics)
            return !later.isEmpty
        }
        #expect(!later.isEmpty)
        #expect(later.allSatisfy { $0.partition == 1 && $0.offset >= 3 })
    }

    @Test func `the partitions of a group cannot be assigned by hand`() throws {
        let consumer = try member()
        let error = #expect(throws: StreamError.self) { try consumer.assign([both[0]: 0]) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("scorers") == true)
    }
}
