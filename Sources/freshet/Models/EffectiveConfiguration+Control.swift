import KafkaClient
import Learning
import ModelStore
import Streaming

extension EffectiveConfiguration {
    /// Sends the model's newest action to topic `control`.
    ///
    /// The store has recorded it: when no broker takes the event, a warning says so, and that is all.
    func tellControl(in store: ModelStore) throws {
        let model = configuration.model.name
        let action = try store.newestAction(of: model)
        let text = try JSONOutput.line(ActionReport(action, of: model).controlEvent)
        do throws(StreamError) {
            try send(text, key: model)
        } catch {
            Messages.note(
                "warning: the store has recorded it, but topic \"\(topicNames.control)\" was not "
                    + "told (\(error.message)): whoever reads that topic finds it in \"freshet "
                    + "models history\""
            )
        }
    }

    private func send(_ text: String, key: String) throws(StreamError) {
        let timeout = configuration.kafka.timeout
        var settings = kafkaSettings
        settings.properties.merge(
            ["linger.ms": "0", "message.timeout.ms": "\(max(timeout.milliseconds, 1000))"]
        ) { own, _ in own }
        let producer = try KafkaProducer(settings)
        let record = OutgoingRecord(
            topic: topicNames.control,
            key: Array(key.utf8),
            value: Array(text.utf8)
        )
        try producer.send(record, token: 1)
        guard try producer.flush(timeout: timeout.duration) else {
            throw StreamError(
                .timedOut,
                "no broker took it within \(timeout.settingText)",
                remedy: "see whether the broker runs"
            )
        }
        for delivery in producer.takeDeliveries() {
            if let error = delivery.error { throw error }
        }
    }
}
