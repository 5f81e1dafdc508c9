import Learning
import Recommendation

/// Lends values as encoded events of partition 0, offsets from 0.
func withEncoded<Result>(
    _ values: [[UInt8]?],
    recordTimestamp: Int64 = -1,
    _ body: (EncodedBatch) -> Result
) -> Result {
    var arena: [UInt8] = []
    var ranges: [Range<Int>?] = []
    for value in values {
        ranges.append(value.map { arena.count..<(arena.count + $0.count) })
        arena.append(contentsOf: value ?? [])
    }
    return arena.withUnsafeBytes { bytes in
        let events = ranges.enumerated().map { index, bounds in
            EncodedEvent(
                partition: 0,
                offset: Int64(index),
                recordTimestamp: recordTimestamp,
                key: nil,
                value: bounds.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
            )
        }
        return events.withUnsafeBufferPointer { body(EncodedBatch($0)) }
    }
}

/// Decodes values; `recordTimestamp` is that of every record.
func decode(
    _ values: [[UInt8]?],
    settings: RecommenderSettings = RecommenderSettings(),
    recordTimestamp: Int64 = -1
) -> (events: InteractionEvents, rejections: [Rejection]) {
    var events = InteractionEvents()
    var rejections: [Rejection] = []
    withEncoded(values, recordTimestamp: recordTimestamp) {
        ImplicitRecommender.decode($0, settings: settings, into: &events, rejections: &rejections)
    }
    return (events, rejections)
}

func decode(
    _ texts: [String],
    settings: RecommenderSettings = RecommenderSettings(),
    recordTimestamp: Int64 = -1
) -> (events: InteractionEvents, rejections: [Rejection]) {
    decode(texts.map { Array($0.utf8) }, settings: settings, recordTimestamp: recordTimestamp)
}

func interaction(_ user: String, _ item: String, value: Double = 1, at time: Int = 0) -> String {
    "{\"user\":\"\(user)\",\"item\":\"\(item)\",\"value\":\(value),\"timestamp\":\(time)}"
}

/// One answer as text, from a model named "m".
func answer(_ model: RecommenderModel, _ request: String) -> (text: String?, refusal: String?) {
    let stamp = ModelStamp(
        model: "m",
        version: 3,
        epoch: 1,
        sequence: 9,
        watermark: 77,
        position: 5
    )
    let answer = withEncoded([Array(request.utf8)]) { model.answer($0, stamp: stamp)[0] }
    return (answer.value.map { String(decoding: $0, as: UTF8.self) }, answer.refusal)
}
