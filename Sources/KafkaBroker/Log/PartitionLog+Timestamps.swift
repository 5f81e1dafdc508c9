import KafkaWire

/// Looking for records by their time. Times need not ascend: what is searched is the greatest time
/// of segments and index entries, then of batches, then the records themselves.
extension PartitionLog {
    /// Finds a record by its time (ListOffsets).
    ///
    /// - Parameters:
    ///   - query: Which record.
    ///   - isolation: Whose records are wanted.
    /// - Returns: The record, nil if there is none.
    /// - Throws: `BrokerError` of kind `storage`.
    func find(
        _ query: TimestampQuery,
        _ isolation: Isolation
    ) throws(BrokerError) -> TimestampedOffset? {
        let range = logStart..<max(logStart, offsets.end(for: isolation))
        var best: TimestampedOffset?
        // The least time that is looked for: each record found is later than those before it.
        var least = Int64.min
        if case .atOrAfter(let timestamp) = query { least = timestamp }
        for segment in segments
        where segment.nextOffset > range.lowerBound && segment.maxTimestamp >= least {
            var scanner = try scanner(of: segment, query, least, range)
            while try scanner.next() {
                let header = scanner.header
                if header.baseOffset >= range.upperBound { return best }
                guard header.maxTimestamp >= least, header.nextOffset > range.lowerBound else {
                    continue
                }
                for record in try records(of: &scanner, in: range, segment)
                where record.timestamp >= least {
                    best = record
                    if query != .greatest || record.timestamp == Int64.max { return best }
                    least = record.timestamp + 1
                }
            }
            guard scanner.isAtEnd else { throw damage(segment, scanner.nextPosition) }
        }
        return best
    }

    /// Begins where the index says that a record may be found first.
    private func scanner(
        of segment: LogSegment,
        _ query: TimestampQuery,
        _ least: Int64,
        _ range: Range<Int64>
    ) throws(BrokerError) -> BatchScanner {
        // The first batch with the segment's greatest time, unless part of the segment is out of
        // range: then its greatest time may be too.
        let isWhole =
            segment.baseOffset >= range.lowerBound && segment.nextOffset <= range.upperBound
        let time = query == .greatest && isWhole ? segment.maxTimestamp : least
        let index = segment.index
        let byOffset = index.position(ofOffset: range.lowerBound, baseOffset: segment.baseOffset)
        return BatchScanner(
            try openFiles.file(of: segment),
            from: max(index.position(ofTimestamp: time), byOffset),
            to: segment.byteCount,
            pieceByteCount: BatchScanner.headerPiece
        )
    }

    /// Offsets and times of the records in the scanner's batch.
    private func records(
        of scanner: inout BatchScanner,
        in range: Range<Int64>,
        _ segment: LogSegment
    ) throws(BrokerError) -> [TimestampedOffset] {
        let header = scanner.header
        func record(_ offset: Int64, _ timestamp: Int64) -> TimestampedOffset? {
            guard range.contains(offset) else { return nil }
            return .init(offset: offset, timestamp: timestamp, leaderEpoch: header.leaderEpoch)
        }
        if header.usesAppendTime {
            let first = max(header.baseOffset, range.lowerBound)
            return [record(first, header.maxTimestamp)].compactMap { $0 }
        }
        let payload = try scanner.records()
        do throws(Decompressor.Failure) {
            return try decompressor.withDecompressed(
                payload,
                header.compression ?? .none,
                limit: Decompressor.limit(forBatchOf: header.totalByteCount)
            ) { bytes in
                var cursor = RecordCursor(bytes)
                var found: [TimestampedOffset] = []
                // What does not parse was refused when it came; damage since then ends the search.
                while !cursor.isAtEnd, let view = try? cursor.next() {
                    let offset = header.baseOffset &+ Int64(view.offsetDelta)
                    let timestamp = header.baseTimestamp &+ view.timestampDelta
                    if let record = record(offset, timestamp) { found.append(record) }
                }
                return found
            }
        } catch {
            throw damage(segment, scanner.position)
        }
    }
}
