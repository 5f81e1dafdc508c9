public import Learning
public import ModelStore
public import Streaming

/// Learns a lineage from the log: what a model has learned, in its order.
///
/// A model that has learned nothing becomes, bit for bit, the one whose lineage it is; a restored
/// version becomes what went on from it. Owned by one thread.
public struct Rebuild {
    /// How a run ended.
    public enum Outcome: Sendable {
        /// All has been learned.
        case complete
        /// Told to stop before.
        case stopped
    }

    private let segments: [LineageSegment]
    private let source: any RecordSource
    private let batchSize: Int
    private let stop: StopSignal
    /// Who is left out of each segment.
    private let forgotten: [ForgottenUsers]

    /// A rebuild of `segments` from a source of their topics.
    public init(
        _ segments: [LineageSegment],
        source: any RecordSource,
        batchSize: Int = 2000,
        stop: StopSignal = StopSignal()
    ) {
        self.segments = segments
        forgotten = segments.map { ForgottenUsers($0.withoutUsers) }
        self.source = source
        self.batchSize = batchSize
        self.stop = stop
    }

    /// Records that a run will read, at most: a log may have offsets without records.
    public var recordCount: Int64 {
        segments.flatMap(\.ranges).reduce(0) { $0 + $1.count }
    }

    /// Learns all of it.
    ///
    /// Throws before anything is learned when the log no longer holds all that is needed. Waits for
    /// a broker that does not answer. `progress` is told, after each batch, how many records have
    /// been read so far.
    public func run<Model: Learner>(
        into model: inout TrainedModel<Model>,
        progress: (Int64) throws(PipelineError) -> Void = { _ in }
    ) throws(PipelineError) -> Outcome {
        var readCount: Int64 = 0
        return try read { (batch, users) throws(PipelineError) in
            _ = batch.withEncoded(batch.records.indices) { events in
                users.isEmpty
                    ? model.learn(events)
                    : model.learn(events, isExcluded: users.contains)
            }
            readCount += Int64(batch.records.count)
            try progress(readCount)
        }
    }

    /// Gives `body` all records in the order of learning, batch by batch.
    ///
    /// With them come the users whose events among them were left out. There are none while nothing
    /// comes. Their bytes are valid only during the call. Throws and waits as `run` does.
    public func read(
        _ body: (borrowing RecordBatch, ForgottenUsers) throws(PipelineError) -> Void
    ) throws(PipelineError) -> Outcome {
        guard try checkLog() else { return .stopped }
        for (segment, users) in zip(segments, forgotten) {
            var replay = JournalReplay(
                entries: segment.ranges,
                source: source,
                batchSize: batchSize
            )
            try replay.begin()
            replaying: while true {
                guard !stop.isSet else { return .stopped }
                switch try replay.next() {
                case .finished: break replaying
                case .waiting: try body(RecordBatch(records: []), users)
                case .records(let batch): try body(batch, users)
                }
            }
        }
        return .complete
    }

    /// How many events of a user, named by a salted hash, have been left out.
    public func excludedCount(of hash: String) -> Int {
        forgotten.reduce(0) { $0 + $1.foundCount(of: hash) }
    }

    /// Throws unless the log still holds all that the segments name.
    ///
    /// Returns false when told to stop meanwhile.
    private func checkLog() throws(PipelineError) -> Bool {
        var needed: [TopicPartition: ClosedRange<Offset>] = [:]
        for range in segments.flatMap(\.ranges) {
            let partition = TopicPartition(topic: range.topic, partition: range.partition)
            let known = needed[partition] ?? range.first...range.last
            needed[partition] =
                min(known.lowerBound, range.first)...max(known.upperBound, range.last)
        }
        for (partition, offsets) in needed.sorted(by: { $0.key < $1.key }) {
            let found = try patiently(stop) { () throws(StreamError) in
                try source.watermarks(of: partition, timeout: .seconds(2))
            }
            guard let (first, end) = found else { return false }
            guard first <= offsets.lowerBound, offsets.upperBound < end else {
                throw PipelineError(
                    lost: "the journal needs \(partition) from offset \(offsets.lowerBound) to "
                        + "\(offsets.upperBound)",
                    first,
                    end
                )
            }
        }
        return true
    }
}

extension PipelineError {
    /// A log that no longer holds what is needed, but offsets from `first` to before `end`.
    init(lost need: String, _ first: Offset, _ end: Offset) {
        self.init(
            .log,
            "\(need), but its log holds offsets from \(first) to before \(end)",
            remedy: "the topic was deleted, emptied or cut by retention: restore it, or train "
                + "under a new model name"
        )
    }
}
