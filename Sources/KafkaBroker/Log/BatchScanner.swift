import KafkaWire

/// Goes through the batches of a segment file from a position on, reading large pieces.
struct BatchScanner: ~Copyable {
    /// The piece for reading headers only: as far as index entries are apart.
    static let headerPiece = 64 << 10
    /// The piece for reading everything, large enough for the disk's full speed.
    static let fullPiece = 4 << 20

    private let file: SegmentFile
    private let end: Int
    private let pieceByteCount: Int
    private var memory: UnsafeMutableRawBufferPointer
    private var memoryPosition = 0
    private var memoryCount = 0

    /// Where the batch returned last begins.
    private(set) var position: Int
    /// The header of the batch returned last.
    private(set) var header = RecordBatchHeader()
    /// Where the next batch begins.
    private(set) var nextPosition: Int

    /// Begins before the batch at a position.
    ///
    /// - Parameters:
    ///   - file: The segment's file.
    ///   - position: Where a batch begins.
    ///   - end: Where the log ends in the file.
    ///   - pieceByteCount: How much to read at a time.
    init(_ file: SegmentFile, from position: Int, to end: Int, pieceByteCount: Int) {
        self.file = file
        self.end = end
        self.pieceByteCount = min(pieceByteCount, max(end - position, RecordBatchHeader.byteCount))
        self.position = position
        nextPosition = position
        memory = .allocate(byteCount: self.pieceByteCount, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Whether the next batch would begin where the log ends.
    var isAtEnd: Bool { nextPosition == end }

    /// Goes on to the next batch.
    ///
    /// - Returns: Whether there is one: false at the end, and where no batch can be.
    /// - Throws: `BrokerError` of kind `storage` if the file cannot be read.
    mutating func next() throws(BrokerError) -> Bool {
        let available = end - nextPosition
        guard available >= RecordBatchHeader.byteCount else { return false }
        let bytes = try bytes(at: nextPosition, RecordBatchHeader.byteCount)
        guard let header = RecordBatchHeader(bytes), header.isPlausible(available: available) else {
            return false
        }
        self.header = header
        position = nextPosition
        nextPosition += header.totalByteCount
        return true
    }

    /// The whole batch returned last, until the next call.
    mutating func batch() throws(BrokerError) -> UnsafeRawBufferPointer {
        try bytes(at: position, header.totalByteCount)
    }

    /// The records of the batch returned last, until the next call.
    mutating func records() throws(BrokerError) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: try batch()[RecordBatchHeader.byteCount...])
    }

    /// Whether the batch returned last is what was written.
    mutating func hasValidChecksum() throws(BrokerError) -> Bool {
        let covered = try batch()[RecordBatchHeader.checksumStart...]
        return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: covered)) == header.checksum
    }

    /// Bytes of the file; fewer than asked for only if it is shorter than `end`.
    private mutating func bytes(
        at position: Int,
        _ count: Int
    ) throws(BrokerError) -> UnsafeRawBufferPointer {
        let memoryEnd = memoryPosition + memoryCount
        if position < memoryPosition || position + count > memoryEnd {
            if count > memory.count {
                memory.deallocate()
                memory = .allocate(byteCount: count, alignment: 16)
            }
            let wanted = min(max(count, pieceByteCount), end - position)
            let room = UnsafeMutableRawBufferPointer(rebasing: memory[..<wanted])
            (memoryPosition, memoryCount) = (position, 0)
            try file.readAll(into: room, at: position)
            memoryCount = wanted
        }
        let start = position - memoryPosition
        return UnsafeRawBufferPointer(rebasing: memory[start..<start + count])
    }
}
