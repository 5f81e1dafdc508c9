import Foundation
import KafkaClient
import Pipeline
import Streaming

/// Sends records at a pace until told to stop, and notes where each was acknowledged.
final class ProveSender: Sendable {
    /// What was sent.
    struct Ledger: Sendable, Equatable {
        /// Where each record is, in the order of their numbers; nil while not acknowledged.
        var places: [ProvePlace?] = []

        var count: Int { places.count }
    }

    private let loop: Loop<Ledger>

    /// Begins to send.
    ///
    /// - Parameters:
    ///   - name: What is sent, for messages.
    ///   - rate: Records per second; after a stall they are made up for.
    ///   - settings: How to reach the log.
    ///   - records: Makes the function that makes the n-th record, on the thread that sends.
    init(
        _ name: String,
        rate: Int,
        settings: KafkaSettings,
        records: @escaping @Sendable () -> (Int) -> OutgoingRecord
    ) {
        var settings = settings
        // A broker that is away is waited for.
        settings.properties["message.timeout.ms"] = "0"
        loop = Loop(name: name, status: Ledger()) { [settings] stop, board in
            let producer = try KafkaProducer(
                settings,
                givesUp: { stop.isSet(longerThan: .seconds(120)) }
            )
            let record = records()
            let begin = ContinuousClock.now
            var ledger = Ledger()
            while !stop.isSet {
                let due = Int((ContinuousClock.now - begin) / .seconds(1) * Double(rate))
                while ledger.count < due {
                    let number = ledger.count
                    ledger.places.append(nil)
                    try producer.send(record(number), token: UInt64(number) + 1)
                }
                try Self.take(producer, &ledger)
                usleep(5000)
            }
            let isFlushed = try producer.flush(timeout: .seconds(120))
            try Self.take(producer, &ledger)
            board.post(ledger)
            guard isFlushed else {
                throw CommandFailure(
                    .failure,
                    "\(name) were not acknowledged within 120 s",
                    remedy: "see the broker's log"
                )
            }
        }
    }

    /// Why sending failed; nil while it has not.
    var error: CommandFailure? { loop.error }

    /// Stops sending, waits until all is acknowledged, and returns where.
    func finish() throws(CommandFailure) -> Ledger {
        loop.requestStop()
        try loop.join()
        return loop.status
    }

    /// Ends it, whatever is acknowledged.
    func stop() { loop.requestStop() }

    private static func take(_ producer: KafkaProducer, _ ledger: inout Ledger) throws {
        for delivery in producer.takeDeliveries() {
            if let error = delivery.error { throw error }
            ledger.places[Int(delivery.token) - 1] = ProvePlace(
                partition: delivery.partition,
                offset: delivery.offset
            )
        }
        _ = producer.takeNotices()
    }
}
