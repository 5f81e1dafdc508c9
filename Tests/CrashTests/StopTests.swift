import Foundation
import KafkaClient
import Streaming
import Synchronization
import Testing

/// The broker as a process of its own is stopped while clients are at work.
@Suite(.serialized) struct StopTests {
    private static let patience = Duration.seconds(120)

    @Test func `a broker that is stopped under load loses nothing and need not check its logs`()
        throws
    {
        let installation = try Installation()
        try installation.startBroker()
        let settings = KafkaSettings(bootstrapServers: installation.address)
        for result in try KafkaAdmin(settings).createTopics(
            [
                NewTopic(name: "t", partitionCount: 1),
                NewTopic(name: "empty", partitionCount: 1),
            ],
            timeout: Self.patience
        ) {
            if let error = result.error { throw error }
        }
        let load = Load(settings)
        // A fetch that waits must not keep the broker from stopping.
        let waiting = try KafkaConsumer(settings, topics: ["empty"])
        try waiting.assign([TopicPartition(topic: "empty", partition: 0): 0])
        _ = try waiting.poll(maximumCount: 1, timeout: .milliseconds(200))
        try wait("acknowledged records") { load.acknowledged.count > 3000 }
        #expect(installation.stop("broker") == 0, "\(installation.log("broker"))")
        load.stop()
        let acknowledged = load.acknowledged

        let unclean = "a log was checked after an unclean stop"
        try installation.startBroker()
        #expect(!installation.log("broker").contains(unclean))
        let values = try Self.values(settings)
        for (offset, value) in acknowledged {
            #expect(values[offset] == value, "offset \(offset)")
        }
        #expect(acknowledged.count <= values.count)

        // The same line is there when it was not stopped but killed.
        let later = Load(settings)
        try wait("more acknowledged records") { !later.acknowledged.isEmpty }
        installation.kill9("broker")
        later.stop()
        try installation.startBroker()
        #expect(installation.log("broker").contains(unclean))
    }

    /// What the topic holds, by offset.
    private static func values(_ settings: KafkaSettings) throws -> [Offset: String] {
        let consumer = try KafkaConsumer(settings, topics: ["t"])
        let partition = TopicPartition(topic: "t", partition: 0)
        let end = try consumer.watermarks(of: partition, timeout: patience).end
        try consumer.assign([partition: 0])
        var values: [Offset: String] = [:]
        let deadline = ContinuousClock.now + patience
        while values.count < end && ContinuousClock.now < deadline {
            let batch = try consumer.poll(maximumCount: 1000, timeout: .milliseconds(100))
            for record in batch.records {
                let value = record.value.map { String(decoding: $0, as: UTF8.self) }
                values[record.offset] = value
            }
        }
        return values
    }
}

/// Sends numbers until it is told to stop, and keeps those that were acknowledged.
private final class Load: Sendable {
    private let found = Mutex<[Offset: String]>([:])
    private let isOver = Atomic<Bool>(false)
    private let end = DispatchSemaphore(value: 0)

    /// What was acknowledged, by offset.
    var acknowledged: [Offset: String] { found.withLock { $0 } }

    init(_ settings: KafkaSettings) {
        Thread.detachNewThread { [self] in
            try? run(settings)
            end.signal()
        }
    }

    func stop() {
        isOver.store(true, ordering: .relaxed)
        end.wait()
    }

    private func run(_ settings: KafkaSettings) throws {
        let producer = try KafkaProducer(settings, givesUp: { [self] in hasEnded })
        var number: UInt64 = 1
        while !hasEnded {
            // It throws when the queue is full and there is no broker any more.
            try? producer.send(
                OutgoingRecord(topic: "t", value: Array("\(number)".utf8)),
                token: number
            )
            number += 1
            take(producer)
        }
        take(producer)
    }

    private var hasEnded: Bool { isOver.load(ordering: .relaxed) }

    private func take(_ producer: KafkaProducer) {
        let deliveries = producer.takeDeliveries().filter { $0.error == nil }
        guard !deliveries.isEmpty else { return }
        found.withLock { found in
            for delivery in deliveries { found[delivery.offset] = "\(delivery.token)" }
        }
    }
}
