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
        var batches: [Batch] = []
        /// When it last wrote, in milliseconds since 1970, by the broker's clock.
        var lastWrite: Int64 = 0
        /// The offset after its last batch or marker.
        var nextOffset: Int64 = 0
    }

    private(set) var producers: [Int64: Producer] = [:]

    init() {}

    /// Looks whether a batch is what its producer has to send next (rules 1–6 of section 3.4).
    ///
    /// - Returns: The original, if the batch is a duplicate of it; nil for a new batch.
    /// - Throws: `AppendFailure` for an old epoch or a gap.
    func duplicate(of header: RecordBatchHeader) throws(AppendFailure) -> Batch? {
        guard header.producerID >= 0, let producer = producers[header.producerID] else {
            return nil
        }
        let (first, last) = (header.baseSequence, header.lastSequence)
        let original = producer.batches.last {
            $0.firstSequence == first && $0.lastSequence == last
        }
        if let original, header.producerEpoch == producer.epoch { return original }
        if header.producerEpoch < producer.epoch {
            throw AppendFailure(
                .invalidProducerEpoch,
                "producer \(header.producerID) has epoch \(header.producerEpoch), "
                    + "epoch \(producer.epoch) has taken over"
            )
        }
        let isNewEpoch = header.producerEpoch > producer.epoch
        let previous = isNewEpoch ? -1 : producer.batches.last?.lastSequence ?? -1
        let expected = (previous &+ 1) & Int32.max
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
        var producer = producers[header.producerID] ?? Producer(epoch: header.producerEpoch)
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
        var numbers = [offset]
        for (id, producer) in producers.sorted(by: { $0.key < $1.key }) {
            numbers += [id, Int64(producer.epoch), producer.lastWrite, producer.nextOffset]
            numbers.append(Int64(producer.batches.count))
            for batch in producer.batches {
                numbers += [Int64(batch.firstSequence), Int64(batch.lastSequence)]
                numbers += [batch.firstOffset, batch.timestamp]
            }
        }
        return SealedFile.seal("FSN3", numbers)
    }

    /// Reads a file; nil if it is damaged or of another offset.
    init?(_ bytes: [UInt8], at offset: Int64) {
        guard var numbers = SealedFile.open("FSN3", bytes), numbers.next() == offset else {
            return nil
        }
        while !numbers.isAtEnd {
            let id = numbers.next()
            var producer = Producer(
                epoch: Int16(clamping: numbers.next()),
                lastWrite: numbers.next(),
                nextOffset: numbers.next()
            )
            for _ in 0..<numbers.count() {
                producer.batches.append(
                    Batch(
                        firstSequence: Int32(clamping: numbers.next()),
                        lastSequence: Int32(clamping: numbers.next()),
                        firstOffset: numbers.next(),
                        timestamp: numbers.next()
                    )
                )
            }
            producers[id] = producer
        }
    }
}
