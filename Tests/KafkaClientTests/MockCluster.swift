import CLibrdkafka
import KafkaClient
import Streaming

/// librdkafka's own mock cluster: real sockets on 127.0.0.1, in this process.
///
/// What it does not do: create or configure topics on request, look offsets up by time, hide
/// aborted transactions. Its topics appear when asked for, with 4 partitions.
final class MockCluster {
    private let client: OpaquePointer
    private let cluster: OpaquePointer

    init(brokerCount: Int32 = 1) throws {
        let configuration = rd_kafka_conf_new()
        // Its log lines would go to stderr.
        rd_kafka_conf_set_log_cb(configuration) { _, _, _, _ in }
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0),
            let cluster = rd_kafka_mock_cluster_new(client, brokerCount)
        else { throw MockFailure(what: "the mock cluster does not start") }
        self.client = client
        self.cluster = cluster
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    var bootstrapServers: String { String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

    func settings(_ properties: [String: String] = [:]) -> KafkaSettings {
        // It does not wake a waiting fetch when records come.
        KafkaSettings(
            bootstrapServers: bootstrapServers,
            clientID: "test",
            properties: ["fetch.wait.max.ms": "10"].merging(properties) { _, wanted in wanted }
        )
    }

    func createTopic(_ name: String, partitionCount: Int32 = 1) {
        rd_kafka_mock_topic_create(cluster, name, partitionCount, 1)
    }

    func setError(_ code: rd_kafka_resp_err_t, ofTopic topic: String) {
        rd_kafka_mock_topic_set_error(cluster, topic, code)
    }

    /// The next requests of this API fail with these codes, in order.
    func fail(_ api: Int16, with codes: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(cluster, api, codes.count, codes)
    }

    func stopBroker(_ id: Int32 = 1) { rd_kafka_mock_broker_set_down(cluster, id) }
    func startBroker(_ id: Int32 = 1) { rd_kafka_mock_broker_set_up(cluster, id) }

    func setRoundTripTime(milliseconds: Int32, broker id: Int32 = 1) {
        rd_kafka_mock_broker_set_rtt(cluster, id, milliseconds)
    }

    /// Sends records to one partition and waits for them; their values are "0", "1" and so on.
    func fill(_ topic: String, partition: Int32 = 0, count: Int) throws {
        let producer = try KafkaProducer(settings())
        for number in 0..<count {
            try producer.send(
                OutgoingRecord(topic: topic, partition: partition, value: Array("\(number)".utf8)),
                token: UInt64(number + 1)
            )
        }
        guard try producer.flush(timeout: .seconds(120)) else {
            throw MockFailure(what: "records were not delivered")
        }
        if let error = producer.takeDeliveries().compactMap(\.error).first { throw error }
    }
}

struct MockFailure: Error {
    var what: String
}

/// Kafka's numbers of the requests that tests let fail.
enum API {
    static let produce: Int16 = 0
    static let fetch: Int16 = 1
    static let addPartitionsToTransaction: Int16 = 24
}

/// A record's content, copied out of its batch.
struct CopiedRecord: Equatable {
    var topic: String
    var partition: Int32
    var offset: Offset
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [RecordHeader]

    var text: String { String(decoding: value ?? [], as: UTF8.self) }
}

extension RecordBatch {
    func copy(topics: [String]) -> [CopiedRecord] {
        records.indices.map { index in
            let record = records[index]
            return CopiedRecord(
                topic: topics[Int(record.topicIndex)],
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.map(Array.init),
                value: record.value.map(Array.init),
                headers: headers(at: index)
            )
        }
    }
}

extension KafkaConsumer {
    /// Polls until there are `count` records; fewer when that takes longer than half a minute.
    func copies(_ count: Int, maximumCount: Int = 1000) throws -> [CopiedRecord] {
        var copies: [CopiedRecord] = []
        try wait {
            let batch = try self.poll(maximumCount: maximumCount, timeout: .milliseconds(50))
            copies += batch.copy(topics: self.topics)
            return copies.count >= count
        }
        return copies
    }

    /// What a poll throws, if one does within half a minute.
    func error() throws -> StreamError? {
        var error: StreamError?
        try wait {
            do throws(StreamError) {
                _ = try self.poll(maximumCount: 10, timeout: .milliseconds(50))
            } catch let failure {
                error = failure
            }
            return error != nil
        }
        return error
    }
}

/// Repeats a blocking step until it is true; false after two minutes.
@discardableResult
func wait(_ step: () throws -> Bool) throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(120)
    while ContinuousClock.now < deadline {
        if try step() { return true }
    }
    return false
}

func position(_ topic: String, _ partition: Int32 = 0, _ offset: Offset = 0)
    -> [TopicPartition: Offset]
{
    [TopicPartition(topic: topic, partition: partition): offset]
}
