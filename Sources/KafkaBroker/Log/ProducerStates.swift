import KafkaWire

/// What a log remembers of the idempotent producers that wrote to it, to recognise what they send
/// twice and what they send out of order.
///
/// The state is a function of the batches in the log: whatever was acknowledged can be rebuilt.
struct ProducerStates: Sendable, Equatable {
    /// How many of its last batches a producer may send again (max.in.flight.requests of 5).
    static let windowSize = 5
    /// The most producers that are remembered; 250 bytes each make 25 MB.
    ///
    /// Beyond that, those that have been silent for longest are forgotten, as if they had expired.
    static let limit = 100_000

    /// A batch that a producer wrote.
    struct Batch: Sendable, Equatable {
        var firstSequence: Int32
        var lastSequence: Int32
        var firstOffset: Int64
        var timestamp: Int64

        /// The offset after its last record.
        var nextOffset: Int64 {
            firstOffset &+ ((Int64(lastSequence) - Int64(firstSequence)) & 0x7FFF_FFFF) &+ 1
        }
    }

    /// One producer.
    struct Producer: Sendable, Equatable {
        var epoch: Int16
        /// Its last batches, the newest last; none right after its epoch rose by a marker.
        var batches: [Batch]
        /// When it last wrote, in milliseconds since 1970, by the broker's clock.
        var lastWrite: Int64
        /// The offset after its last batch or marker.
        var nextOffset: Int64
    }

    private(set) var producers: [Int64: Producer] = [:]

    init() {}

    /// Takes producers as they were stored.
    init(_ producers: [Int64: Producer]) { self.producers = producers }

    /// Looks whether a batch is what its producer has to send next (rules 1–6 of section 3.4).
    ///
    /// - Returns: The original, if the batch is a duplicate of it; nil for a new batch.
    /// - Throws: `AppendFailure` for an old epoch or a gap.
    func duplicate(of header: RecordBatchHeader) throws(AppendFailure) -> Batch? {
        guard header.producerID >= 0, let producer = producers[header.producerID] else {
            return nil
        }
        let (first, last) = (header.baseSequence, header.lastSequence)
        if header.producerEpoch == producer.epoch,
            let original = producer.batches.last(where: {
                $0.firstSequence == first && $0.lastSequence == last
            })
        {
            return original
        }
        if header.producerEpoch < producer.epoch {
            throw AppendFailure(
                .invalidProducerEpoch,
                "producer \(header.producerID) has epoch \(header.producerEpoch), "
                    + "epoch \(producer.epoch) has taken over"
            )
        }
        let isNewEpoch = header.producerEpoch > producer.epoch
        let previous = isNewEpoch ? nil : producer.batches.last
        let expected = previous.map { $0.lastSequence == Int32.max ? 0 : $0.lastSequence + 1 } ?? 0
        guard first == expected else {
            throw AppendFailure(
                .outOfOrderSequenceNumber,
                "producer \(header.producerID) sent sequence number \(first) "
                    + "instead of \(expected)"
            )
        }
        return nil
    }

    /// Notes a batch that is in the log.
    ///
    /// - Parameters:
    ///   - header: The batch.
    ///   - now: The broker's time.
    ///   - open: The transactions that are open after it.
    mutating func apply(
        _ header: RecordBatchHeader,
        now: Int64,
        open: [SegmentTransactions.Open] = []
    ) {
        guard header.producerID >= 0 else { return }
        var producer =
            producers[header.producerID]
            ?? Producer(
                epoch: header.producerEpoch,
                batches: [],
                lastWrite: now,
                nextOffset: header.nextOffset
            )
        if header.producerEpoch > producer.epoch {
            producer.epoch = header.producerEpoch
            producer.batches = []
        }
        producer.lastWrite = now
        producer.nextOffset = header.nextOffset
        if !header.isControl, header.baseSequence >= 0 {
            if producer.batches.count == Self.windowSize { producer.batches.removeFirst() }
            producer.batches.append(
                Batch(
                    firstSequence: header.baseSequence,
                    lastSequence: header.lastSequence,
                    firstOffset: header.baseOffset,
                    timestamp: header.maxTimestamp
                )
            )
        }
        producers[header.producerID] = producer
        if producers.count > Self.limit { forgetSilent(open) }
    }

    /// Forgets producers that have written nothing since a time, but not those in a transaction.
    mutating func expire(before time: Int64, open: [SegmentTransactions.Open]) {
        let open = Set(open.map(\.producerID))
        producers = producers.filter { $0.value.lastWrite >= time || open.contains($0.key) }
    }

    /// Forgets producers whose batches are all gone from the log, but not those in a transaction.
    mutating func advance(logStart: Int64, open: [SegmentTransactions.Open]) {
        let open = Set(open.map(\.producerID))
        producers = producers.filter { $0.value.nextOffset > logStart || open.contains($0.key) }
    }

    /// Forgets the tenth of the producers that has been silent for longest.
    private mutating func forgetSilent(_ open: [SegmentTransactions.Open]) {
        let times = producers.values.map(\.lastWrite).sorted()
        expire(before: times[times.count / 10] + 1, open: open)
    }
}

/// The `.snap` file: the states as of an offset.
extension ProducerStates {
    /// The bytes of the file.
    func encoded(at offset: Int64) -> [UInt8] {
        SealedFile.seal("FSN2") { writer in
            writer.integer(offset)
            writer.integer(UInt32(producers.count))
            for (id, producer) in producers.sorted(by: { $0.key < $1.key }) {
                writer.integer(id)
                writer.integer(producer.epoch)
                writer.integer(producer.lastWrite)
                writer.integer(producer.nextOffset)
                writer.integer(UInt8(producer.batches.count))
                for batch in producer.batches {
                    writer.integer(batch.firstSequence)
                    writer.integer(batch.lastSequence)
                    writer.integer(batch.firstOffset)
                    writer.integer(batch.timestamp)
                }
            }
        }
    }

    /// Reads a file; nil if it is damaged or of another offset.
    init?(_ bytes: [UInt8], at offset: Int64) {
        let producers = SealedFile.open("FSN2", bytes) {
            reader throws(WireError) -> [Int64: Producer]? in
            guard try reader.integer(as: Int64.self) == offset else { return nil }
            var producers: [Int64: Producer] = [:]
            for _ in 0..<(try reader.integer(as: UInt32.self)) {
                let id = try reader.integer(as: Int64.self)
                producers[id] = try Self.producer(&reader)
            }
            return producers
        }
        guard let producers else { return nil }
        self.producers = producers
    }

    private static func producer(_ reader: inout WireReader) throws(WireError) -> Producer {
        var producer = Producer(
            epoch: try reader.integer(),
            batches: [],
            lastWrite: try reader.integer(),
            nextOffset: try reader.integer()
        )
        for _ in 0..<(try reader.integer(as: UInt8.self)) {
            producer.batches.append(
                Batch(
                    firstSequence: try reader.integer(),
                    lastSequence: try reader.integer(),
                    firstOffset: try reader.integer(),
                    timestamp: try reader.integer()
                )
            )
        }
        return producer
    }
}
