import KafkaClient
import Streaming
import Testing

/// Transactions of the client, which are those of librdkafka, against the embedded broker.
@Suite struct TransactionTests {
    private let wait = Duration.seconds(120)
    private let input = TopicPartition(topic: "input", partition: 0)

    @Test func `readers see what is committed, and nothing of what is aborted`() async throws {
        try await withBroker { scene in
            try scene.createTopic("output", partitions: 3)
            let producer = try producer(scene)
            for round in 0..<6 {
                try producer.beginTransaction()
                try send(producer, (0..<30).map { "\(round)-\($0)" })
                if round.isMultiple(of: 2) {
                    try producer.commitTransaction(timeout: wait)
                } else {
                    #expect(try producer.flush(timeout: wait))
                    try producer.abortTransaction(timeout: wait)
                }
            }
            try finish(scene)
            let committed = try read(scene, 90, .readCommitted)
            let expected = [0, 2, 4].flatMap { round in (0..<30).map { "\(round)-\($0)" } }
            #expect(committed.sorted() == expected.sorted())
            #expect(try read(scene, 180, .readUncommitted).count == 180)
        }
    }

    @Test func `offsets are committed with the transaction or not at all`() async throws {
        try await withBroker { scene in
            try scene.createTopic("input", partitions: 1)
            try scene.createTopic("output", partitions: 3)
            let consumer = try KafkaConsumer(
                scene.settings,
                group: "g",
                topics: ["input"],
                start: .earliest
            )
            defer { consumer.close() }
            let producer = try producer(scene)
            for (offset, isCommit, expected) in [
                (5, false, nil), (7, true, 7), (9, false, 7), (11, true, 11),
            ] as [(Offset, Bool, Offset?)] {
                try producer.beginTransaction()
                try send(producer, ["\(offset)"])
                try producer.sendOffsets([input: offset], groupOf: consumer, timeout: wait)
                if isCommit {
                    try producer.commitTransaction(timeout: wait)
                } else {
                    try producer.abortTransaction(timeout: wait)
                }
                #expect(try consumer.committed([input], timeout: wait)[input] == expected)
            }
            try finish(scene)
            #expect(try read(scene, 2, .readCommitted).sorted() == ["11", "7"])
        }
    }

    @Test func `a producer ends when the next one of its transactional id begins`() async throws {
        try await withBroker { scene in
            try scene.createTopic("output", partitions: 3)
            let first = try producer(scene)
            try first.beginTransaction()
            try send(first, ["lost"])
            #expect(try first.flush(timeout: wait))
            let second = try producer(scene)
            try second.beginTransaction()
            try send(second, ["kept"])
            try second.commitTransaction(timeout: wait)
            let error = #expect(throws: StreamError.self) {
                try first.commitTransaction(timeout: wait)
            }
            #expect(error?.kind == .fenced)
            #expect(error?.isFatal == true)
            try finish(scene)
            #expect(try read(scene, 1, .readCommitted) == ["kept"])
        }
    }

    @Test func `a transaction goes on over a restart of the broker`() async throws {
        try await withBroker { scene in
            try scene.createTopic("output", partitions: 3)
            let producer = try producer(scene)
            for round in 0..<3 {
                try producer.beginTransaction()
                try send(producer, (0..<30).map { "\(round)-\($0)" })
                if round == 1 {
                    #expect(try producer.flush(timeout: wait))
                    await scene.stop()
                    try await scene.start()
                    try send(producer, (30..<60).map { "\(round)-\($0)" })
                }
                try producer.commitTransaction(timeout: wait)
            }
            try finish(scene)
            let committed = try read(scene, 120, .readCommitted)
            #expect(Set(committed).count == 120)
        }
    }

    private func producer(_ scene: BrokerScene) throws -> KafkaProducer {
        var settings = scene.settings
        // No transaction of a slow machine takes too long.
        settings.properties["transaction.timeout.ms"] = "600000"
        let producer = try KafkaProducer(settings, transactionalID: "worker")
        try producer.initializeTransactions(timeout: wait)
        return producer
    }

    private func send(_ producer: KafkaProducer, _ values: [String]) throws {
        for (index, value) in values.enumerated() {
            try producer.send(
                OutgoingRecord(
                    topic: "output",
                    partition: Int32(index % 3),
                    value: Array(value.utf8)
                ),
                token: 0
            )
        }
    }

    /// Ends each partition with a plain record, so that records that must not come are waited for
    /// as well.
    private func finish(_ scene: BrokerScene) throws {
        let plain = try KafkaProducer(scene.settings)
        try send(plain, ["end", "end", "end"])
        #expect(try plain.flush(timeout: wait))
    }

    /// What a reader gets from the start of the finished topic.
    private func read(
        _ scene: BrokerScene,
        _ count: Int,
        _ isolation: IsolationLevel
    ) throws -> [String] {
        let consumer = try KafkaConsumer(scene.settings, topics: ["output"], isolation: isolation)
        defer { consumer.close() }
        let partitions = (0..<3).map { TopicPartition(topic: "output", partition: $0) }
        try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
        let received = try receive(count + 3, from: consumer).compactMap(\.value)
        #expect(received.count(where: { $0 == "end" }) == 3)
        return received.filter { $0 != "end" }
    }
}
