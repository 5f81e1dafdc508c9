import KafkaWire
import NIOCore

/// Where reads of a log ended, and where in its files that is.
///
/// Eight readers at different places are more than a partition usually has; others search.
struct ReadEnds {
    private static let limit = 8

    private var places: [(offset: Int64, segment: Int64, position: Int)] = []

    mutating func add(offset: Int64, segment: Int64, position: Int) {
        places.removeAll { $0.offset == offset }
        if places.count == Self.limit { places.removeFirst() }
        places.append((offset, segment, position))
    }

    /// The position of the batch that begins with an offset, if a read ended there.
    func position(of offset: Int64, segment: Int64) -> Int? {
        places.first { $0.offset == offset && $0.segment == segment }?.position
    }

    mutating func forget() { places = [] }
}

extension PartitionLog {
    /// Reads whole batches, beginning with the one that holds an offset or, if that is gone, the
    /// next one.
    ///
    /// - Parameters:
    ///   - offset: The first offset wanted.
    ///   - maxByteCount: The most bytes wanted.
    ///   - minOneBatch: Whether to return the first batch even if it is larger than that.
    ///   - isolation: Whose records are wanted.
    /// - Returns: The batches, none if there are none yet; or the error for the client.
    func read(
        from offset: Int64,
        maxByteCount: Int,
        minOneBatch: Bool,
        isolation: Isolation = .readUncommitted
    ) -> Result<LogRead, ErrorCode> {
        if isDeleted { return .failure(.unknownTopicOrPartition) }
        let offsets = offsets
        guard offset >= offsets.logStart, offset <= offsets.highWatermark else {
            return .failure(.offsetOutOfRange)
        }
        var result = LogRead(records: ByteBuffer(), offsets: offsets)
        if isolation == .readCommitted { result.abortedTransactions = [] }
        let end = offsets.end(for: isolation)
        guard offset < end, maxByteCount > 0 || minOneBatch else { return .success(result) }
        do throws(BrokerError) {
            var place = try locate(offset)
            var nextOffset = offset
            while let (index, position) = place {
                let isFirst = result.records.readableBytes == 0
                let isComplete = try read(
                    segments[index],
                    from: position,
                    below: end,
                    maxByteCount: maxByteCount - result.records.readableBytes,
                    minOneBatch: minOneBatch && isFirst,
                    into: &result.records,
                    &nextOffset
                )
                // Go on into the next segment, or a fetch would wait for bytes that are there.
                place = isComplete && index + 1 < segments.count ? (index + 1, 0) : nil
            }
            if isolation == .readCommitted {
                result.abortedTransactions = abortedTransactions(from: offset, below: nextOffset)
            }
        } catch {
            environment.flusher.report(error)
            return .failure(.kafkaStorageError)
        }
        return .success(result)
    }

    /// Where the batch lies that holds an offset, or the first one after it.
    ///
    /// - Returns: The index of the segment and the position in it; nil if nothing is there.
    func locate(_ offset: Int64) throws(BrokerError) -> (Int, Int)? {
        var index = segmentIndex(of: offset)
        if offset >= segments[index].nextOffset { index += 1 }  // A gap between two segments.
        guard index < segments.count else { return nil }
        let segment = segments[index]
        guard segment.byteCount > 0 else { return nil }
        if let position = readEnds.position(of: offset, segment: segment.baseOffset) {
            return (index, position)
        }
        var scanner = BatchScanner(
            try openSegments.file(of: segment),
            from: segment.index.position(ofOffset: offset, baseOffset: segment.baseOffset),
            to: segment.byteCount,
            pieceByteCount: BatchScanner.headerPiece
        )
        while try scanner.next() {
            if scanner.header.nextOffset > offset { return (index, scanner.position) }
        }
        guard scanner.isAtEnd else { throw damage(segment, scanner.nextPosition) }
        return nil
    }

    /// The last segment that begins at or before an offset; the first one if none does.
    func segmentIndex(of offset: Int64) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    func damage(_ segment: LogSegment, _ position: Int) -> BrokerError {
        BrokerError(
            .storage,
            "\(segment.logPath) is damaged at byte \(position)",
            remedy: "restart the broker: it moves what follows the damage to quarantine"
        )
    }

    /// Reads batches of one segment.
    ///
    /// - Parameters:
    ///   - segment: The segment.
    ///   - position: Where the first batch begins.
    ///   - end: The offset before which batches may be read.
    ///   - maxByteCount: The most bytes wanted.
    ///   - minOneBatch: Whether one batch may be larger than that.
    ///   - buffer: Where to append the batches.
    ///   - nextOffset: Is set to the offset after the last batch, if there is any.
    /// - Returns: Whether everything up to the end of the segment was read.
    /// - Throws: `BrokerError` of kind `storage`.
    private func read(
        _ segment: LogSegment,
        from position: Int,
        below end: Int64,
        maxByteCount: Int,
        minOneBatch: Bool,
        into buffer: inout ByteBuffer,
        _ nextOffset: inout Int64
    ) throws(BrokerError) -> Bool {
        let available = segment.byteCount - position
        guard available > 0 else { return true }
        guard maxByteCount >= RecordBatchHeader.byteCount || minOneBatch else { return false }
        let file = try openSegments.file(of: segment)
        let start = buffer.writerIndex
        let wanted = min(available, max(maxByteCount, RecordBatchHeader.byteCount))
        try append(file, at: position, wanted, to: &buffer)
        var whole = buffer.withUnsafeReadableBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[(start - buffer.readerIndex)...])
            return WholeBatches(piece, below: end, available: available)
        }
        if whole.isDamaged { throw damage(segment, position + whole.byteCount) }
        if whole.byteCount == 0, minOneBatch, whole.firstByteCount > wanted {
            try append(file, at: position + wanted, whole.firstByteCount - wanted, to: &buffer)
            whole.byteCount = whole.firstByteCount
        }
        buffer.moveWriterIndex(to: start + whole.byteCount)
        if whole.byteCount > 0 {
            nextOffset = whole.nextOffset
            readEnds.add(
                offset: whole.nextOffset,
                segment: segment.baseOffset,
                position: position + whole.byteCount
            )
        }
        return whole.byteCount == available
    }

    /// Reads exactly so many bytes of a file to the end of a buffer.
    private func append(
        _ file: SegmentFile,
        at position: Int,
        _ byteCount: Int,
        to buffer: inout ByteBuffer
    ) throws(BrokerError) {
        var failure: BrokerError?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { room in
            let target = UnsafeMutableRawBufferPointer(rebasing: room[..<byteCount])
            do throws(BrokerError) {
                let count = try file.read(into: target, at: position)
                if count < byteCount { failure = shortFile(file, position + count) }
                return count
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
    }

    private func shortFile(_ file: SegmentFile, _ end: Int) -> BrokerError {
        BrokerError(
            .storage,
            "\(file.path) ends at byte \(end), more was written",
            remedy: "restart the broker: it recovers what is left of the log"
        )
    }
}

/// How much of a piece of a segment is whole batches below an offset.
private struct WholeBatches {
    /// The size of the whole batches.
    var byteCount = 0
    /// The size of the first batch, whole or not.
    var firstByteCount = 0
    /// The offset after the last whole batch; after the first one if there is none.
    var nextOffset: Int64 = 0
    /// Whether something follows that is no batch.
    var isDamaged = false

    init(_ piece: UnsafeRawBufferPointer, below end: Int64, available: Int) {
        while let header = RecordBatchHeader(piece, at: byteCount) {
            guard header.isPlausible(available: available - byteCount) else {
                isDamaged = true
                return
            }
            if header.baseOffset >= end { return }
            if byteCount == 0 {
                firstByteCount = header.totalByteCount
                nextOffset = header.nextOffset
            }
            guard header.totalByteCount <= piece.count - byteCount else { return }
            nextOffset = header.nextOffset
            byteCount += header.totalByteCount
        }
    }
}
