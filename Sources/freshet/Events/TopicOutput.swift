import KafkaClient
import Streaming

/// Sends events to a topic with the idempotent producer, keyed by user, and checks every delivery.
///
/// Owned by one thread.
final class TopicOutput: EventOutput {
    let name: String
    private let topic: String
    private let producer: KafkaProducer
    private let interruption: Interruption
    private var encoder = InteractionEncoder()
    private var sentCount = 0
    private var failedCount = 0
    private var firstError: StreamError?
    /// Sends between two looks at deliveries: failures stop the work soon, looks cost nothing.
    private static let sendsPerLook = 4096

    /// Makes a producer for a topic, which must exist.
    init(topic: String, settings: KafkaSettings, interruption: Interruption) throws(StreamError) {
        self.topic = topic
        name = "topic \"\(topic)\""
        self.interruption = interruption
        producer = try KafkaProducer(settings)
    }

    func write(_ interaction: Interaction) throws {
        encoder.encode(interaction)
        sentCount += 1
        do throws(StreamError) {
            try send(interaction.user, encoder.bytes)
        } catch {
            failedCount += 1
            firstError = firstError ?? error
            try finish()
        }
        if sentCount % Self.sendsPerLook == 0 { try look() }
    }

    func hurry() throws { try look() }

    func finish() throws {
        // The producer gives a record up after message.timeout.ms: this ends.
        while try !producer.flush(timeout: .milliseconds(500)) {
            tellNotices()
            collect()
            if interruption.isRequested && failedCount > 0 { break }
        }
        collect()
        guard let firstError else { return }
        let total = grouped(sentCount)
        throw CommandFailure(
            firstError.isUnanswered ? .unreachable : .failure,
            "\(grouped(failedCount)) of \(total) events were not delivered to \(name) "
                + "(\(firstError.message))",
            remedy: firstError.remedy
        )
    }

    /// Without a token a record comes back only when it failed.
    private func send(_ key: [UInt8], _ value: [UInt8]) throws(StreamError) {
        var failure: StreamError?
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                do throws(StreamError) {
                    try producer.send(
                        topic: topic,
                        partition: nil,
                        key: key,
                        value: value,
                        timestamp: nil,
                        token: 0
                    )
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }

    private func look() throws {
        tellNotices()
        collect()
        if failedCount > 0 { try finish() }
    }

    private func collect() {
        for delivery in producer.takeDeliveries() {
            guard let error = delivery.error else { continue }
            failedCount += 1
            firstError = firstError ?? error
        }
    }

    private func tellNotices() {
        for notice in producer.takeNotices() {
            switch notice {
            case .disconnected(let text): Messages.note("\(text); trying again")
            case .connected: Messages.note("connected again")
            case .warning(let text): Messages.note(text)
            case .assigned, .revoked: break
            }
        }
    }
}
