import KafkaWire

/// The open logs of all partitions.
final class TopicLogs: Sendable {
    func open(_ topic: Topic, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void) {
        completion(.success(()))
    }
    func remove(_ id: UUID16) {}
}
