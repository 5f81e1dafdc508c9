import KafkaWire

/// The transactions of a log as of the end of one segment, and those that were aborted in it.
///
/// A function of the batches: the open ones of the segment before, then batch after batch. It is
/// kept in the segment's index file, lost and rebuilt with it, and goes with the segment. An
/// aborted transaction takes 24 bytes of memory for as long as its marker is in the log.
struct SegmentTransactions: Sendable, Equatable {
    struct Open: Sendable, Equatable {
        var producerID: Int64
        var firstOffset: Int64
    }

    struct Aborted: Sendable, Equatable {
        var producerID: Int64
        var firstOffset: Int64
        /// Where its marker is.
        var lastOffset: Int64
    }

    /// Those that are open at the end, in the order of their first offsets.
    private(set) var open: [Open] = []
    /// Those whose markers are in the segment, in the order of the markers.
    private(set) var aborted: [Aborted] = []

    /// Begins with the transactions that the segment before left open.
    init(open: [Open] = []) { self.open = open }

    /// Where a producer's open transaction begins; nil if it has none.
    func start(of producerID: Int64) -> Int64? {
        open.first { $0.producerID == producerID }?.firstOffset
    }

    /// Counts the batch that follows those counted so far.
    ///
    /// - Parameters:
    ///   - header: The batch.
    ///   - isAbort: Whether it is a marker that aborts.
    mutating func add(_ header: RecordBatchHeader, isAbort: Bool) {
        guard header.isTransactional else { return }
        let index = open.firstIndex { $0.producerID == header.producerID }
        if !header.isControl {
            if index != nil { return }
            open.append(Open(producerID: header.producerID, firstOffset: header.baseOffset))
        } else if let index {
            let ended = open.remove(at: index)
            guard isAbort else { return }
            aborted.append(
                Aborted(
                    producerID: ended.producerID,
                    firstOffset: ended.firstOffset,
                    lastOffset: header.baseOffset
                )
            )
        }
    }

    /// What an index file holds of them.
    var numbers: [Int64] {
        let begun = open.flatMap { [$0.producerID, $0.firstOffset] }
        let ended = aborted.flatMap { [$0.producerID, $0.firstOffset, $0.lastOffset] }
        return [Int64(open.count)] + begun + [Int64(aborted.count)] + ended
    }

    /// Reads what an index file holds of them.
    init(_ numbers: inout SealedFile.Numbers) {
        for _ in 0..<numbers.count() {
            open.append(Open(producerID: numbers.next(), firstOffset: numbers.next()))
        }
        for _ in 0..<numbers.count() {
            let (id, first) = (numbers.next(), numbers.next())
            aborted.append(
                Aborted(producerID: id, firstOffset: first, lastOffset: numbers.next())
            )
        }
    }
}

/// How a transaction ends in a partition: what its marker says (section "Control Batches" of
/// Kafka's message format).
struct TransactionMarker: Sendable, Equatable {
    var producerID: Int64
    /// The transaction's epoch; a greater one than the producer's fences the producer.
    var producerEpoch: Int16
    /// Whether the records count; if not, the transaction is aborted.
    var isCommit: Bool
    var coordinatorEpoch: Int32

    /// The batch of one record that is the marker, without offset and checksum.
    func batch(at timestamp: Int64) -> (header: RecordBatchHeader, records: [UInt8]) {
        var record = WireWriter()
        // 16 bytes follow; no attributes, the first time and offset; a key of 4 bytes. Lengths are
        // zigzag varints: twice what they say.
        record.raw([32, 0, 0, 0, 8])
        record.integer(Int16(0))
        record.integer(Int16(isCommit ? 1 : 0))
        record.raw([12])  // A value of 6 bytes.
        record.integer(Int16(0))
        record.integer(coordinatorEpoch)
        record.raw([0])  // No headers.
        var header = RecordBatchHeader()
        header.batchLength += Int32(record.bytes.count)
        header.attributes = 0x30  // Control and transactional.
        (header.baseTimestamp, header.maxTimestamp) = (timestamp, timestamp)
        (header.producerID, header.producerEpoch) = (producerID, producerEpoch)
        header.recordCount = 1
        return (header, record.bytes)
    }

    /// Whether the records of a control batch are a marker that aborts.
    static func isAbort(records: UnsafeRawBufferPointer) -> Bool {
        var cursor = RecordCursor(records)
        guard let key = try? cursor.next().key, key.count >= 4 else { return false }
        return records[key.lowerBound + 2] == 0 && records[key.lowerBound + 3] == 0
    }
}
