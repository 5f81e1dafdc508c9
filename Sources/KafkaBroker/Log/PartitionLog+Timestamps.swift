import KafkaWire

/// Looking for records by their time. Times need not ascend: what is searched is the greatest time
/// of segments and index entries, then of batches, then the records themselves.
extension PartitionLog {
    /// Finds a record by its time (ListOffsets).
    ///
    /// - Parameters:
    ///   - query: Which record.
    ///   - isolation: Whose records are wanted.
    /// - Returns: The record, nil if there is none; or the error for the client.
    func find(
        _ query: TimestampQuery,
        isolation: Isolation = .readUncommitted
    ) -> Result<TimestampedOffset?, ErrorCode> {
        if isDeleted { return .failure(.unknownTopicOrPartition) }
        let range = logStart..<max(logStart, offsets.end(for: isolation))
        do throws(BrokerError) {
            switch query {
            case .atOrAfter(let timestamp): return .success(try first(timestamp, in: range))
            case .greatest: return .success(try greatest(in: range))
            }
        } catch {
            environment.flusher.report(error)
            return .failure(.kafkaStorageError)
        }
    }

    private func first(
        _ timestamp: Int64,
        in range: Range<Int64>
    ) throws(BrokerError) -> TimestampedOffset? {
        for segment in segments
        where segment.maxTimestamp >= timestamp && segment.nextOffset > range.lowerBound {
            var scanner = try scanner(of: segment, timestamp: timestamp, start: range.lowerBound)
            while try scanner.next() {
                let header = scanner.header
                if header.baseOffset >= range.upperBound { return nil }
                guard header.maxTimestamp >= timestamp, header.nextOffset > range.lowerBound else {
                    continue
                }
                let records = try records(of: &scanner, in: range, segment)
                if let found = records.first(where: { $0.timestamp >= timestamp }) { return found }
            }
            guard scanner.isAtEnd else { throw damage(segment, scanner.nextPosition) }
        }
        return nil
    }

    private func greatest(in range: Range<Int64>) throws(BrokerError) -> TimestampedOffset? {
        var best: TimestampedOffset?
        for segment in segments where segment.nextOffset > range.lowerBound {
            if let best, segment.maxTimestamp <= best.timestamp { continue }
            // The first batch with the segment's greatest time, unless part of the segment is
            // out of range: then its greatest time may be too, and every header counts.
            let isWhole =
                segment.baseOffset >= range.lowerBound && segment.nextOffset <= range.upperBound
            var scanner = try scanner(
                of: segment,
                timestamp: isWhole ? segment.maxTimestamp : Int64.min,
                start: range.lowerBound
            )
            while try scanner.next() {
                let header = scanner.header
                if header.baseOffset >= range.upperBound { return best }
                guard header.nextOffset > range.lowerBound else { continue }
                if let best, header.maxTimestamp <= best.timestamp { continue }
                for record in try records(of: &scanner, in: range, segment)
                where record.timestamp > best?.timestamp ?? Int64.min {
                    best = record
                }
            }
            guard scanner.isAtEnd else { throw damage(segment, scanner.nextPosition) }
        }
        return best
    }

    /// Begins where the index says that a time or an offset may be found first.
    private func scanner(
        of segment: LogSegment,
        timestamp: Int64,
        start: Int64
    ) throws(BrokerError) -> BatchScanner {
        let index = segment.index
        let byTime = timestamp == Int64.min ? 0 : index.position(ofTimestamp: timestamp)
        let byOffset = index.position(ofOffset: start, baseOffset: segment.baseOffset)
        return BatchScanner(
            try openSegments.file(of: segment),
            from: max(byTime, byOffset),
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
        if header.usesAppendTime {
            let offset = max(header.baseOffset, range.lowerBound)
            guard offset < min(header.nextOffset, range.upperBound) else { return [] }
            return [
                TimestampedOffset(
                    offset: offset,
                    timestamp: header.maxTimestamp,
                    leaderEpoch: header.leaderEpoch
                )
            ]
        }
        let batch = try scanner.batch()
        let payload = UnsafeRawBufferPointer(rebasing: batch[RecordBatchHeader.byteCount...])
        do throws(Decompressor.Failure) {
            return try decompressor.withDecompressed(
                payload,
                header.compression ?? .none,
                limit: Decompressor.limit(forBatchOf: batch.count)
            ) { Self.records(in: $0, header, range) }
        } catch {
            throw damage(segment, scanner.position)
        }
    }

    private static func records(
        in bytes: UnsafeRawBufferPointer,
        _ header: RecordBatchHeader,
        _ range: Range<Int64>
    ) -> [TimestampedOffset] {
        var cursor = RecordCursor(bytes)
        var found: [TimestampedOffset] = []
        for _ in 0..<header.recordCount {
            // What does not parse was refused when it came; damage since then ends the search.
            guard let record = try? cursor.next() else { break }
            let offset = header.baseOffset &+ Int64(record.offsetDelta)
            guard range.contains(offset) else { continue }
            found.append(
                TimestampedOffset(
                    offset: offset,
                    timestamp: header.baseTimestamp &+ record.timestampDelta,
                    leaderEpoch: header.leaderEpoch
                )
            )
        }
        return found
    }
}
