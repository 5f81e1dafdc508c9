import Foundation
import KafkaClient
import Learning
import Streaming

/// Asks the scorer through the topics: a request out, then the answer with the same id.
///
/// Owned by one thread.
final class RequestClient {
    private let consumer: KafkaConsumer
    private let producer: KafkaProducer
    private let requests: String
    private let brokerTimeout: Duration

    /// Stands at the end of the answers when it returns, so that none is missed.
    init(_ effective: EffectiveConfiguration, of kind: ModelKind) throws {
        let answers = effective.topicNames[kind.topics.answers]
        requests = effective.topicNames[kind.topics.requests]
        brokerTimeout = effective.configuration.kafka.timeout.duration
        // Answers come one by one, and each is waited for: nothing is gained by gathering.
        var settings = effective.kafkaSettings
        // A record of the topics may have 1 MiB, which is more than librdkafka takes by itself.
        let properties = ["linger.ms": "0", "message.max.bytes": "1200000"]
        settings.properties.merge(properties) { own, _ in own }
        consumer = try KafkaConsumer(settings, topics: [answers])
        producer = try KafkaProducer(settings)
        var positions: [TopicPartition: Offset] = [:]
        for partition in try consumer.partitions(of: answers, timeout: brokerTimeout) {
            positions[partition] = try consumer.watermarks(of: partition, timeout: brokerTimeout)
                .end
        }
        try consumer.assign(positions)
    }

    /// What `match` makes of the answer to a request; nil when none came in time.
    ///
    /// `match` gives nil for answers to others.
    func ask<Answer>(
        key: [UInt8]? = nil,
        _ value: [UInt8],
        headers: [RecordHeader] = [],
        timeout: Duration,
        match: ([UInt8]) -> Answer?
    ) throws -> Answer? {
        try producer.send(
            OutgoingRecord(topic: requests, key: key, value: value, headers: headers),
            token: 1
        )
        guard try producer.flush(timeout: brokerTimeout) else {
            throw StreamError(
                .timedOut,
                "the request was not taken within \(TimeSpan(brokerTimeout).settingText)",
                remedy: "see whether the broker runs"
            )
        }
        for delivery in producer.takeDeliveries() {
            if let error = delivery.error { throw error }
        }
        let deadline = ContinuousClock.now + timeout
        while true {
            let rest = deadline - .now
            guard rest > .zero else { return nil }
            let batch = try consumer.poll(maximumCount: 500, timeout: min(rest, .milliseconds(200)))
            for record in batch.records {
                guard let value = record.value else { continue }
                if let answer = match(Array(value)) { return answer }
            }
        }
    }
}

extension RequestClient {
    /// The answer to a request for recommendations; nil when none came in time.
    func ask(
        _ request: RecommendationRequest,
        timeout: Duration
    ) throws -> (recommendation: Recommendation, bytes: [UInt8])? {
        try ask(
            key: Array(request.user.utf8),
            Array(try JSONEncoder().encode(request)),
            timeout: timeout
        ) { bytes in
            guard let answer = Recommendation(bytes: bytes), answer.request == request.request
            else { return nil }
            return (answer, bytes)
        }
    }
}
