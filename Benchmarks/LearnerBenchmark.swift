import Foundation
import Learning
import Recommendation

/// Decoding and learning from memory: what is left of the kernel's speed without a broker.
enum LearnerBenchmark {
    /// Events per second of CPU time of one thread, over the lines of a file.
    static func eventsPerSecond<Model: Learner>(
        _ learner: Model.Type,
        lines: Data,
        settings: Model.Settings
    ) throws -> (learn: Double, decodeOnly: Double) {
        let batchSize = 2000
        return try lines.withUnsafeBytes { bytes in
            let events = split(bytes)
            var decoded = Model.Events()
            var rejections: [Rejection] = []
            func batches(_ body: (EncodedBatch) -> Void) {
                events.withUnsafeBufferPointer { all in
                    for start in stride(from: 0, to: all.count, by: batchSize) {
                        let batch = UnsafeBufferPointer(rebasing: all[start...].prefix(batchSize))
                        body(EncodedBatch(batch))
                    }
                }
            }
            let decoding = bestSeconds(runs: 3) {
                batches {
                    Model.decode($0, settings: settings, into: &decoded, rejections: &rejections)
                }
            }
            let model = try Model(settings: settings)
            let learning = bestSeconds(runs: 1) {
                batches {
                    Model.decode($0, settings: settings, into: &decoded, rejections: &rejections)
                    model.learn(decoded)
                }
            }
            precondition(model.eventCount == events.count, "an event was not learned")
            return (Double(events.count) / learning, Double(events.count) / decoding)
        }
    }

    /// One event per line, pointing into `bytes`.
    static func split(_ bytes: UnsafeRawBufferPointer) -> [EncodedEvent] {
        var events: [EncodedEvent] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            events.append(
                EncodedEvent(
                    partition: 0,
                    offset: Int64(events.count),
                    recordTimestamp: 4_000_000_000_000,
                    key: nil,
                    value: UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                )
            )
            start = end + 1
        }
        return events
    }
}
