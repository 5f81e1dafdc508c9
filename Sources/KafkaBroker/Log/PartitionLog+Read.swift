import KafkaWire
import NIOCore

extension PartitionLog {
    /// Reads whole batches, beginning with the one that holds an offset or, if that is gone, the
    /// next one.
    ///
    /// - Returns: The batches, none if there are none yet.
    /// - Throws: `BrokerError` for an offset outside the log, or if the disk fails.
    func read(_ request: ReadRequest) throws(BrokerError) -> LogRead {
        let offsets = offsets
        guard (offsets.logStart...offsets.highWatermark).contains(request.offset) else {
            throw BrokerError(.offsetOutOfRange, "there is no offset \(request.offset) in \(id)")
        }
        let appended = progress.appendedByteCount(request.isolation)
        var result = LogRead(offsets: offsets, appended: appended)
        if request.isolation == .readCommitted { result.abortedTransactions = [] }
        let end = offsets.end(for: request.isolation)
        guard request.offset < end, request.maxByteCount > 0 || request.minOneBatch else {
            return result
        }
        var nextOffset = request.offset
        var place = try locate(request.offset)
        while let (index, position) = place {
            let count = result.records.readableBytes
            let isComplete = try read(
                segments[index],
                from: position,
                below: end,
                maxByteCount: request.maxByteCount - count,
                minOneBatch: request.minOneBatch && count == 0,
                into: &result.records,
                &nextOffset
            )
            // Go on into the next segment, or a fetch would wait for bytes that are there.
            place = isComplete && index + 1 < segments.count ? (index + 1, 0) : nil
        }
        if request.isolation == .readCommitted {
            result.abortedTransactions = abortedTransactions(
                from: request.offset,
                below: nextOffset
            )
        }
        return result
    }

    /// Where the batch lies that holds an offset, or the first one after it.
    ///
    /// - Returns: The index of the segment and the position in it; nil if nothing is there.
    private func locate(_ offset: Int64) throws(BrokerError) -> (Int, Int)? {
        var index = segmentIndex(of: offset)
        if offset >= segments[index].nextOffset { index += 1 }  // A gap between two segments.
        guard index < segments.count, segments[index].byteCount > 0 else { return nil }
        let segment = segments[index]
        var scanner = BatchScanner(
            try openFiles.file(of: segment),
            from: segment.index.position(ofOffset: offset, baseOffset: segment.baseOffset),
            to: segment.byteCount,
            pieceByteCount: BatchScanner.headerPiece
        )
        while try scanner.next() {
            if scanner.header.nextOffset > offset { return (index, scanner.position) }
        }
        throw damage(segment, scanner.nextPosition)
    }

    /// The last segment that begins at or before an offset; the first one if none does.
    func segmentIndex(of offset: Int64) -> Int {
        max(0, segments.prefixCount { $0.baseOffset <= offset } - 1)
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
        let file = try openFiles.file(of: segment)
        let start = buffer.writerIndex
        let wanted = min(available, max(maxByteCount, RecordBatchHeader.byteCount))
        try append(file, at: position, wanted, to: &buffer)
        var byteCount = 0
        var first: RecordBatchHeader?
        while let header = buffer.withUnsafeReadableBytes({
            RecordBatchHeader($0, at: start - buffer.readerIndex + byteCount)
        }) {
            guard header.isPlausible(available: available - byteCount) else {
                throw damage(segment, position + byteCount)
            }
            if header.baseOffset >= end { break }
            if first == nil { first = header }
            guard header.totalByteCount <= wanted - byteCount else { break }
            nextOffset = header.nextOffset
            byteCount += header.totalByteCount
        }
        if byteCount == 0, minOneBatch, let first {
            byteCount = first.totalByteCount
            nextOffset = first.nextOffset
            try append(file, at: position + wanted, byteCount - wanted, to: &buffer)
        }
        buffer.moveWriterIndex(to: start + byteCount)
        return byteCount == available
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
            do throws(BrokerError) {
                try file.readAll(into: .init(rebasing: room[..<byteCount]), at: position)
                return byteCount
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
    }
}
