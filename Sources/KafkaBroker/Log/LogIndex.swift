import KafkaWire

/// Where batches lie in one segment, an entry for every 64 KiB of log; and its transactions.
///
/// 16 bytes an entry: 32 KiB for a segment of 128 MiB, 25 MB for 100 GiB. It serves look-ups by
/// offset and by time; what lies between two entries is found by reading batch headers.
struct LogIndex: Sendable, Equatable {
    /// How far apart entries are at least.
    static let interval = 64 << 10

    struct Entry: Sendable, Equatable {
        /// The base offset of the batch at `position`, counted from that of the segment.
        var relativeOffset: UInt32
        /// Where the batch begins; segments are smaller than 2 GiB.
        var position: UInt32
        /// The greatest time of the batches before it.
        var maxTimestampBefore: Int64
    }

    private(set) var entries: [Entry] = []
    /// The greatest time of all batches; `Int64.min` without any.
    private(set) var maxTimestamp = Int64.min
    /// The size of the batches counted so far.
    private(set) var coveredByteCount = 0
    /// The offset after the last batch counted so far.
    private(set) var nextOffset: Int64
    private(set) var transactions: SegmentTransactions

    /// The index of an empty segment.
    ///
    /// - Parameters:
    ///   - baseOffset: Its first offset.
    ///   - previous: The index of the segment before it.
    init(baseOffset: Int64, after previous: LogIndex? = nil) {
        nextOffset = baseOffset
        transactions = SegmentTransactions(open: previous?.transactions.open ?? [])
    }

    /// Counts the batch that follows those counted so far.
    mutating func add(_ header: RecordBatchHeader, baseOffset: Int64, isAbort: Bool) {
        let isDue = entries.last.map { coveredByteCount - Int($0.position) >= Self.interval }
        if isDue ?? true {
            entries.append(
                Entry(
                    relativeOffset: UInt32(clamping: header.baseOffset - baseOffset),
                    position: UInt32(clamping: coveredByteCount),
                    maxTimestampBefore: maxTimestamp
                )
            )
        }
        maxTimestamp = max(maxTimestamp, header.maxTimestamp)
        coveredByteCount += header.totalByteCount
        nextOffset = header.nextOffset
        transactions.add(header, isAbort: isAbort)
    }

    /// Where to begin reading headers in order to find an offset.
    func position(ofOffset offset: Int64, baseOffset: Int64) -> Int {
        lastPosition { Int64($0.relativeOffset) <= offset - baseOffset }
    }

    /// Where to begin reading headers in order to find the first batch with such a time or later.
    func position(ofTimestamp timestamp: Int64) -> Int {
        lastPosition { $0.maxTimestampBefore < timestamp }
    }

    /// The position of the last entry for which the condition holds, which holds for all before.
    private func lastPosition(_ condition: (Entry) -> Bool) -> Int {
        let count = entries.prefixCount(condition)
        return count == 0 ? 0 : Int(entries[count - 1].position)
    }
}

/// The `.idx` file.
extension LogIndex {
    /// The bytes of the file.
    func encoded() -> [UInt8] {
        let head = [maxTimestamp, Int64(coveredByteCount), nextOffset]
        let places = entries.flatMap {
            [Int64($0.relativeOffset), Int64($0.position), $0.maxTimestampBefore]
        }
        return SealedFile.seal("FIX3", head + transactions.numbers + places)
    }

    /// Reads a file; nil if it is damaged or does not cover exactly this many bytes.
    init?(_ bytes: [UInt8], covering byteCount: Int) {
        guard var numbers = SealedFile.open("FIX3", bytes) else { return nil }
        maxTimestamp = numbers.next()
        guard numbers.next() == byteCount else { return nil }
        coveredByteCount = byteCount
        nextOffset = numbers.next()
        transactions = SegmentTransactions(&numbers)
        while !numbers.isAtEnd {
            entries.append(
                Entry(
                    relativeOffset: UInt32(clamping: numbers.next()),
                    position: UInt32(clamping: numbers.next()),
                    maxTimestampBefore: numbers.next()
                )
            )
        }
    }
}

extension Array {
    /// How many elements at the beginning a condition holds for, which holds for none after them.
    func prefixCount(_ condition: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
