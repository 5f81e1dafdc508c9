import Foundation
import KafkaClient
import Learning
import Streaming

/// Asks the scorer through the topics: a request out, then the answer with the same id.
///
/// Owned by one thread.
final class RecommendationClient {
    private let consumer: KafkaConsumer
    private let producer: KafkaProducer
    private let names: TopicNames
    private let brokerTimeout: Duration

    /// Stands at the end of `recommendations` when it returns, so that no answer is missed.
    init(_ effective: EffectiveConfiguration) throws {
        names = effective.topicNames
        brokerTimeout = effective.configuration.kafka.timeout.duration
        // Answers come one by one, and each is waited for: nothing is gained by gathering.
        var settings = effective.kafkaSettings
        settings.properties.merge(["linger.ms": "0"]) { own, _ in own }
        consumer = try KafkaConsumer(settings, topics: [names.recommendations])
        producer = try KafkaProducer(settings)
        var positions: [TopicPartition: Offset] = [:]
        for partition in try consumer.partitions(
            of: names.recommendations,
            timeout: brokerTimeout
        ) {
            positions[partition] = try consumer.watermarks(of: partition, timeout: brokerTimeout)
                .end
        }
        try consumer.assign(positions)
    }

    /// The answer to a request; nil when none came in time.
    func ask(
        _ request: RecommendationRequest,
        timeout: Duration
    ) throws -> (recommendation: Recommendation, bytes: [UInt8])? {
        let record = OutgoingRecord(
            topic: names.recommendRequests,
            key: Array(request.user.utf8),
            value: Array(try JSONEncoder().encode(request))
        )
        try producer.send(record, token: 1)
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
                let bytes = Array(value)
                if let answer = Recommendation(bytes: bytes), answer.request == request.request {
                    return (answer, bytes)
                }
            }
        }
    }
}
