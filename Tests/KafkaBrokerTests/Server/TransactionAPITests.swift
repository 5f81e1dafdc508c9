import Foundation
import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// Transactions as clients see them, over a socket.
struct TransactionAPITests {
    @Test func `committed records are seen and aborted ones are not`() async throws {
        try await withTransactions { client in
            let producer = try client.initialize()
            #expect(try client.add(producer) == [.none])
            #expect(try client.write(producer, sequence: 0) == .none)
            #expect(try client.stableEnd() == 0, "an open transaction holds readers up")
            #expect(try client.end(producer, isCommit: true) == .none)
            #expect(try client.stableEnd() == 2, "a record and a marker")
            #expect(try client.add(producer) == [.none])
            #expect(try client.write(producer, sequence: 1) == .none)
            #expect(try client.end(producer, isCommit: false) == .none)
            #expect(try client.stableEnd() == 4)
            let fetched = try client.fetchCommitted()
            let aborted = try #require(fetched.array("abortedTransactions").first)
            #expect(aborted.int64("producerId") == producer.id)
            #expect(aborted.int64("firstOffset") == 2)
            #expect(
                headers(fetched.bytes("records")).map(\.isControl) == [
                    false, true, false, true,
                ]
            )
        }
    }

    @Test func `a partition without records gets a marker as well`() async throws {
        try await withTransactions { client in
            let producer = try client.initialize()
            #expect(try client.add(producer) == [.none])
            #expect(try client.end(producer, isCommit: true) == .none)
            #expect(try client.stableEnd() == 1)
        }
    }

    @Test func `rule 6: who has no transaction in a partition cannot write to it`() async throws {
        try await withTransactions { client in
            let producer = try client.initialize()
            #expect(try client.write(producer, sequence: 0) == .invalidTransactionState)
            #expect(try client.add(producer) == [.none])
            #expect(try client.write(producer, sequence: 0) == .none)
            #expect(try client.write(producer.later(), sequence: 0) == .invalidProducerEpoch)
            #expect(try client.end(producer, isCommit: true) == .none)
            #expect(try client.write(producer, sequence: 1) == .invalidTransactionState)
        }
    }

    @Test func `a producer is fenced by the next, whatever it tries`() async throws {
        try await withTransactions { client in
            let first = try client.initialize()
            #expect(try client.add(first) == [.none])
            #expect(try client.write(first, sequence: 0) == .none)
            #expect(try client.tryInitialize().errorCode() == .concurrentTransactions)
            let second = try client.initialize()
            #expect(second == first.later(2))
            #expect(try client.write(first, sequence: 1) == .invalidProducerEpoch)
            #expect(try client.stableEnd() == 2, "the first one's transaction is aborted")
            for version: Int16 in 0...4 {
                let code = version < 2 ? ErrorCode.invalidProducerEpoch : .producerFenced
                #expect(try client.end(first, isCommit: true, version: version) == code)
                #expect(try client.addOffsets(first, version: version) == code)
                #expect(try client.add(first, version: min(version, 3)) == [code])
            }
            for version: Int16 in 3...5 {
                let code = version < 4 ? ErrorCode.invalidProducerEpoch : .producerFenced
                let answer = try client.tryInitialize(first, version: version)
                #expect(answer.errorCode() == code)
                #expect(answer.int64("producerId") == -1)
            }
            #expect(try client.add(second) == [.none])
            #expect(try client.write(second, sequence: 0) == .none)
            #expect(try client.end(second, isCommit: true) == .none)
        }
    }

    @Test func `requests that name nothing sensible are refused`() async throws {
        try await withTransactions { client in
            let producer = try client.initialize()
            #expect(try client.tryInitialize(id: "").errorCode() == .invalidRequest)
            for timeout: Int32 in [.min, 0, 900_001, .max] {
                let answer = try client.tryInitialize(timeout: timeout)
                #expect(answer.errorCode() == .invalidTransactionTimeout)
            }
            for named in [
                ProducerIdentity(id: producer.id, epoch: -1), ProducerIdentity(id: -1, epoch: 0),
            ] {
                #expect(try client.tryInitialize(named).errorCode() == .invalidRequest)
            }
            #expect(try client.add(producer, id: "") == [.invalidRequest])
            #expect(try client.add(producer, id: "none") == [.invalidProducerIDMapping])
            #expect(try client.end(producer, isCommit: true) == .invalidTransactionState)
            let partitions: [Int32] = [0, 1, -1]
            #expect(
                try client.add(producer, partitions) == [
                    .operationNotAttempted, .unknownTopicOrPartition, .unknownTopicOrPartition,
                ]
            )
            #expect(try client.describe().string("transactionState") == "Empty")
        }
    }

    @Test func `transactions are described and listed`() async throws {
        try await withTransactions { client in
            let producer = try client.initialize(timeout: 12_345)
            _ = try client.add(producer)
            let description = try client.describe()
            #expect(description.errorCode() == .none)
            #expect(description.string("transactionState") == "Ongoing")
            #expect(description.int32("transactionTimeoutMs") == 12_345)
            #expect(description.int64("producerId") == producer.id)
            #expect(description.int16("producerEpoch") == producer.epoch)
            #expect(description.int64("transactionStartTimeMs") > 1_600_000_000_000)
            #expect(description.array("topics").map { $0.string("topic") } == ["t"])
            #expect(description.array("topics").map { $0.int32s("partitions") } == [[0]])
            #expect(try client.describe("none").errorCode() == .transactionalIDNotFound)
            #expect(try client.describe("").errorCode() == .invalidRequest)
            let other = try client.initialize(id: "other")
            #expect(try client.list() == ["other", "tx"])
            #expect(try client.list(states: ["Ongoing"]) == ["tx"])
            #expect(try client.list(states: ["Ongoing", "Empty"]) == ["other", "tx"])
            #expect(try client.list(producers: [other.id]) == ["other"])
            #expect(try client.list(duration: 0).isSubset(of: ["tx"]))
            #expect(try client.list(duration: 3_600_000).isEmpty)
            let answer = try client.raw.request(
                .listTransactions,
                version: 1,
                ["stateFilters": ["Nowhere"], "producerIdFilters": []]
            )
            #expect(answer.strings("unknownStateFilters") == ["Nowhere"])
            #expect(answer.array("transactionStates").isEmpty)
        }
    }

    @Test func `an open transaction goes on after a restart`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = BrokerSettings(dataDirectory: directory.path)
        settings.port = 0
        var producer = ProducerIdentity.none
        for run in 0..<3 {
            let broker = try await Broker.start(settings, logger: quietLogger)
            let client = TransactionClient(raw: try RawClient(port: broker.port))
            if run == 0 {
                try client.raw.createTopic()
                producer = try client.initialize()
                #expect(try client.add(producer) == [.none])
            }
            #expect(try client.write(producer, sequence: Int32(run)) == .none)
            #expect(try client.stableEnd() == 0)
            if run == 2 {
                #expect(try client.end(producer, isCommit: true) == .none)
                #expect(try client.stableEnd() == 4)
            }
            await broker.shutdown()
        }
    }

    @Test(arguments: [true, false])
    func `readers get past a transaction whose marker the disk lost`(
        wasCommitted: Bool
    ) async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = BrokerSettings(dataDirectory: directory.path)
        settings.port = 0
        settings.checksEverything = true
        var producer = ProducerIdentity.none
        for run in 0..<3 {
            let broker = try await Broker.start(settings, logger: quietLogger)
            let client = TransactionClient(raw: try RawClient(port: broker.port))
            if run == 0 {
                try client.raw.createTopic()
                producer = try client.initialize()
                #expect(try client.add(producer) == [.none])
                #expect(try client.write(producer, sequence: 0) == .none)
                #expect(try client.end(producer, isCommit: wasCommitted) == .none)
            }
            let fetched = try client.fetchCommitted()
            #expect(fetched.int64("lastStableOffset") == 2, "a record and a marker")
            #expect(headers(fetched.bytes("records")).map(\.isControl) == [false, true])
            let isAborted = run > 0 || !wasCommitted
            let aborted = fetched.array("abortedTransactions")
            #expect(aborted.map { $0.int64("firstOffset") } == (isAborted ? [0] : []))
            if run == 2 {
                #expect(try client.add(producer) == [.none])
                #expect(try client.write(producer, sequence: 1) == .none)
                #expect(try client.end(producer, isCommit: true) == .none)
                #expect(try client.stableEnd() == 4)
            }
            await broker.shutdown()
            if run == 0 { try cutLastBatch(in: directory) }
        }
    }

    /// Takes the last batch from the only log of a data directory.
    private func cutLastBatch(in directory: URL) throws {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
        let path = try #require(paths.first { $0.hasSuffix(".log") })
        let file = directory.appendingPathComponent(path)
        let bytes = try Data(contentsOf: file)
        let last = try #require(headers(Array(bytes)).last)
        try bytes.dropLast(last.totalByteCount).write(to: file)
    }
}

/// Runs a broker with a topic "t" of one partition.
private func withTransactions(_ body: (TransactionClient) async throws -> Void) async throws {
    try await withBroker { broker, _ in
        let client = TransactionClient(raw: try RawClient(port: broker.port))
        try client.raw.createTopic()
        try await body(client)
    }
}

/// A producer's requests, in the versions that Java's clients send unless a test says otherwise.
private struct TransactionClient {
    let raw: RawClient

    func tryInitialize(
        _ named: ProducerIdentity = .none,
        id: String = "tx",
        timeout: Int32 = 600_000,
        version: Int16 = 4
    ) throws -> Fields {
        try raw.request(
            .initProducerId,
            version: version,
            [
                "transactionalId": .string(id), "transactionTimeoutMs": .int(Int64(timeout)),
                "producerId": .int(named.id), "producerEpoch": .int(Int64(named.epoch)),
            ]
        )
    }

    func initialize(id: String = "tx", timeout: Int32 = 600_000) throws -> ProducerIdentity {
        let answer = try tryInitialize(id: id, timeout: timeout)
        try #require(answer.errorCode() == .none)
        return ProducerIdentity(answer)
    }

    func add(
        _ producer: ProducerIdentity,
        _ partitions: [Int32] = [0],
        id: String = "tx",
        version: Int16 = 3
    ) throws -> [ErrorCode] {
        var topic: Fields = ["name": "t"]
        topic.set("partitions", partitions)
        let answer = try raw.request(
            .addPartitionsToTxn,
            version: version,
            [
                "v3AndBelowTransactionalId": .string(id),
                "v3AndBelowProducerId": .int(producer.id),
                "v3AndBelowProducerEpoch": .int(Int64(producer.epoch)),
                "v3AndBelowTopics": [.structure(topic)],
            ]
        )
        return answer.array("resultsByTopicV3AndBelow").flatMap { topic in
            topic.array("resultsByPartition").map { $0.errorCode("partitionErrorCode") }
        }
    }

    func addOffsets(_ producer: ProducerIdentity, version: Int16) throws -> ErrorCode {
        var fields = named(producer)
        fields.set("groupId", "g")
        return try raw.request(.addOffsetsToTxn, version: version, fields).errorCode()
    }

    func end(
        _ producer: ProducerIdentity,
        isCommit: Bool,
        version: Int16 = 3
    ) throws -> ErrorCode {
        var fields = named(producer)
        fields.set("committed", isCommit)
        return try raw.request(.endTxn, version: version, fields).errorCode()
    }

    func write(_ producer: ProducerIdentity, sequence: Int32) throws -> ErrorCode {
        let records = Sample.idempotent(
            producer.id,
            epoch: producer.epoch,
            sequence: sequence,
            isTransactional: true
        )
        var fields = RawClient.produceFields(records)
        fields.set("transactionalId", "tx")
        return try raw.request(.produce, version: 9, fields).array("responses")[0]
            .array("partitionResponses")[0].errorCode()
    }

    func fetchCommitted() throws -> Fields {
        var fields = RawClient.fetchFields(from: 0)
        fields.set("isolationLevel", Int8(1))
        return try raw.request(.fetch, version: 11, fields).array("responses")[0]
            .array("partitions")[0]
    }

    func stableEnd() throws -> Int64 { try fetchCommitted().int64("lastStableOffset") }

    func describe(_ id: String = "tx") throws -> Fields {
        let answer = try raw.request(
            .describeTransactions,
            version: 0,
            ["transactionalIds": [.string(id)]]
        )
        return try #require(answer.array("transactionStates").first)
    }

    func list(
        states: [String] = [],
        producers: [Int64] = [],
        duration: Int64 = -1
    ) throws -> Set<String> {
        let answer = try raw.request(
            .listTransactions,
            version: 1,
            [
                "stateFilters": .array(states.map { .string($0) }),
                "producerIdFilters": .array(producers.map { .int($0) }),
                "durationFilter": .int(duration),
            ]
        )
        #expect(answer.errorCode() == .none)
        return Set(answer.array("transactionStates").map { $0.string("transactionalId") })
    }

    private func named(_ producer: ProducerIdentity) -> Fields {
        [
            "transactionalId": "tx", "producerId": .int(producer.id),
            "producerEpoch": .int(Int64(producer.epoch)),
        ]
    }
}
