import Streaming

/// The last update of a model that can be read on its log: who trained the model last.
struct LastUpdate: Equatable {
    var epoch: Int64
    var sequence: Int64
    var origin: String
    var trainer: String

    /// What a search found.
    enum Found: Equatable {
        /// The last update.
        case update(LastUpdate)
        /// The log holds none of the model's.
        case nothing
        /// It was not found in time: many updates of other models came after it.
        case unknown
    }

    /// Records of the first look; each further one goes four times as far back.
    ///
    /// A record may have nearly 1 MB.
    private static let firstWindow: Offset = 8

    /// How long a search may last.
    static var patience: Duration { .seconds(10) }

    /// Reads backwards until the model's last update is found, or `deadline`.
    static func find(
        of model: String,
        on log: TopicPartition,
        in source: any RecordSource,
        deadline: ContinuousClock.Instant
    ) throws(StreamError) -> Found {
        let (first, end) = try source.watermarks(of: log, timeout: .seconds(2))
        var window = firstWindow
        var upper = end
        while upper > first {
            let lower = max(first, upper - window)
            var found: LastUpdate?
            let isComplete = try read(log, lower..<upper, source, deadline) { record, headers in
                guard record.key?.elementsEqual(model.utf8) == true else { return }
                found = LastUpdate(headers) ?? found
            }
            guard isComplete else { return .unknown }
            if let found { return .update(found) }
            upper = lower
            window *= 4
        }
        return .nothing
    }

    /// Reads a range of a log; false when that takes longer than `deadline`.
    private static func read(
        _ log: TopicPartition,
        _ range: Range<Offset>,
        _ source: any RecordSource,
        _ deadline: ContinuousClock.Instant,
        _ body: (Record, [RecordHeader]) -> Void
    ) throws(StreamError) -> Bool {
        try source.assign([log: range.lowerBound])
        while ContinuousClock.now < deadline {
            let batch = try source.poll(maximumCount: 1000, timeout: .milliseconds(100))
            for (index, record) in batch.records.enumerated() {
                guard record.offset < range.upperBound else { return true }
                body(record, batch.headers(at: index))
                if record.offset + 1 == range.upperBound { return true }
            }
            if let end = source.reachedEnd(of: log), end >= range.upperBound { return true }
        }
        return false
    }

    /// The update that a record with these headers belongs to; nil when it is none.
    private init?(_ headers: [RecordHeader]) {
        func text(_ name: String) -> String? {
            headers.first { $0.name == name }?.value
                .flatMap { String(validating: $0, as: UTF8.self) }
        }
        guard let epoch = text("epoch").flatMap({ Int64($0) }),
            let sequence = text("sequence").flatMap({ Int64($0) })
        else { return nil }
        self.init(
            epoch: epoch,
            sequence: sequence,
            origin: text("origin") ?? "",
            trainer: text("trainer") ?? ""
        )
    }

    init(epoch: Int64, sequence: Int64, origin: String, trainer: String) {
        self.epoch = epoch
        self.sequence = sequence
        self.origin = origin
        self.trainer = trainer
    }
}
