import Streaming

/// Sends input that cannot be used to the dead-letter topic: original key and value, the original
/// headers, and headers `reason`, `topic`, `partition`, `offset` that say why and where from.
///
/// What would not fit into the dead-letter topic is cut, which a header `truncated` tells with the
/// original number of bytes: the original is where the other headers say.
///
/// Owned by the thread of its sink.
struct DeadLetters {
    let topic: String
    let sink: any RecordSink
    /// Key, value and headers together: what the default `max.message.bytes` of 1 MiB lets into a topic
    /// uncompressed.
    ///
    /// A record that was compressed on its way may be larger.
    private static let byteLimit = 1 << 20
    private(set) var failure: StreamError?
    private var pendingCount = 0

    init(topic: String, sink: any RecordSink) {
        self.topic = topic
        self.sink = sink
    }

    /// Whether some have been sent whose delivery is not known yet.
    var isPending: Bool { pendingCount > 0 }

    /// Sends the record at `index` of `batch`; its delivery will carry `token`.
    mutating func send(
        _ index: Int,
        of batch: borrowing RecordBatch,
        topics: [String],
        reason: String,
        token: UInt64
    ) throws(PipelineError) {
        let letter = Self.letter(index, of: batch, topics: topics, reason: reason, to: topic)
        try log(try sink.send(letter, token: token))
        pendingCount += 1
    }

    /// The dead letter for the record at `index` of `batch`.
    static func letter(
        _ index: Int,
        of batch: borrowing RecordBatch,
        topics: [String],
        reason: String,
        to topic: String
    ) -> OutgoingRecord {
        let record = batch.records[index]
        var origin = [
            RecordHeader(name: "reason", text: String(reason.prefix(1000))),
            RecordHeader(name: "topic", text: topics[Int(record.topicIndex)]),
            RecordHeader(name: "partition", text: String(record.partition)),
            RecordHeader(name: "offset", text: String(record.offset)),
        ]
        let (keyCount, valueCount) = (record.key?.count ?? 0, record.value?.count ?? 0)
        var headers = batch.headers(at: index)
        let byteCount = keyCount + valueCount + headers.byteCount
        var keptKey = keyCount
        if byteCount > byteLimit {
            keptKey = min(keyCount, byteLimit / 4)
            origin.append(RecordHeader(name: "truncated", text: String(byteCount)))
            headers = []
        }
        return OutgoingRecord(
            topic: topic,
            key: record.key.map { Array($0.prefix(keptKey)) },
            value: record.value.map { Array($0.prefix(byteLimit - keptKey)) },
            headers: headers + origin
        )
    }

    /// Takes note of the delivery of one of them.
    mutating func delivered(_ delivery: Delivery) {
        pendingCount -= 1
        if let error = delivery.error { failure = error }
    }

    /// Throws when one could not be delivered: going on would lose it.
    func check() throws(PipelineError) {
        guard let failure else { return }
        throw PipelineError(
            .log,
            "a rejected event could not be written to topic \"\(topic)\": \(failure.message)",
            remedy: "check that the topic exists and takes records as large as the input's, then "
                + "start again: learning goes on where it stopped"
        )
    }
}
