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
        var result = LogRead(
            nextOffset: request.offset,
            offsets: offsets,
            appended: progress.appendedByteCount(request.isolation)
        )
        let end = offsets.end(for: request.isolation)
        if request.offset < end, request.maxByteCount > 0 || request.minOneBatch {
            var place = try locate(request.offset)
            while let (index, position) = place {
                let segment = segments[index]
                let isComplete = try read(segment, from: position, below: end, request, &result)
                // Go on into the next segment, or a fetch would wait for bytes that are there.
                place = isComplete && index + 1 < segments.count ? (index + 1, 0) : nil
            }
        }
        if request.isolation == .readCommitted {
            let end = result.nextOffset
            let isEmpty = result.records.readableBytes == 0
            result.abortedTransactions =
                isEmpty ? [] : abortedTransactions(from: request.offset, below: end)
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

    /// Reads batches of one segment, from a position on, below an offset.
    ///
    /// - Returns: Whether everything up to the end of the segment was read.
    private func read(
        _ segment: LogSegment,
        from position: Int,
        below end: Int64,
        _ request: ReadRequest,
        _ result: inout LogRead
    ) throws(BrokerError) -> Bool {
        let available = segment.byteCount - position
        let start = result.records.readableBytes
        let isFirst = start == 0 && request.minOneBatch
        let most = request.maxByteCount - start
        guard available > 0 else { return true }
        guard most >= RecordBatchHeader.byteCount || isFirst else { return false }
        let file = try openFiles.file(of: segment)
        let wanted = min(available, max(most, RecordBatchHeader.byteCount))
        try append(file, at: position, wanted, to: &result.records)
        var byteCount = 0
        while let header = result.records.withUnsafeReadableBytes({
            RecordBatchHeader($0, at: start + byteCount)
        }) {
            guard header.isPlausible(available: available - byteCount) else {
                throw damage(segment, position + byteCount)
            }
            let size = header.totalByteCount
            if header.baseOffset >= end { break }
            if size > wanted - byteCount {
                guard isFirst, byteCount == 0 else { break }
                try append(file, at: position + wanted, size - wanted, to: &result.records)
            }
            result.nextOffset = header.nextOffset
            byteCount += size
            if byteCount >= wanted { break }
        }
        result.records.moveWriterIndex(to: start + byteCount)
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
