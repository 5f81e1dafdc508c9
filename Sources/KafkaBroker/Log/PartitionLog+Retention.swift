import KafkaWire
import Logging

/// Removing old records: the first readable offset moves up, durably; then whole segments go.
extension PartitionLog {
    /// Hides all records before an offset (DeleteRecords).
    ///
    /// - Parameters:
    ///   - offset: The new first offset; -1 for the end.
    ///   - completion: Called once with the first offset, when it is durable; on any thread.
    func deleteRecords(
        before offset: Int64,
        _ completion: @escaping @Sendable (Result<Int64, ErrorCode>) -> Void
    ) {
        if isDeleted { return completion(.failure(.unknownTopicOrPartition)) }
        guard settings.deletesOldRecords else { return completion(.failure(.policyViolation)) }
        let end = offsets.highWatermark
        let target = offset == -1 ? end : offset
        guard target >= 0, target <= end else { return completion(.failure(.offsetOutOfRange)) }
        guard target > logStart else { return completion(.success(logStart)) }
        moveStart(to: target) { error in
            completion(error == nil ? .success(target) : .failure(.kafkaStorageError))
        }
    }

    /// Removes the segments that the topic's settings no longer keep.
    func removeExpiredSegments() {
        guard !isDeleted, sync.failure == nil, settings.deletesOldRecords else { return }
        let now = environment.now()
        do throws(BrokerError) {
            if active.byteCount > 0, isTooOld(active, now) { try roll() }
        } catch {
            return environment.flusher.report(error)
        }
        var removed = 0
        while removed < segments.count - 1, isTooOld(segments[removed], now) { removed += 1 }
        if let limit = settings.retentionByteCount {
            var total = segments[removed...].reduce(0) { $0 + Int64($1.byteCount) }
            while removed < segments.count - 1,
                total - Int64(segments[removed].byteCount) >= limit
            {
                total -= Int64(segments[removed].byteCount)
                removed += 1
            }
        }
        let start = segments[removed].baseOffset
        if removed > 0, start > logStart {
            environment.logger.info(
                "old segments are removed",
                metadata: ["partition": "\(id)", "segments": "\(removed)", "start": "\(start)"]
            )
            moveStart(to: start) { _ in }
        }
        // Also what a crash left behind after the start had moved.
        if checkpoint.logStart >= logStart { removeHiddenSegments() }
    }

    private func isTooOld(_ segment: LogSegment, _ now: Int64) -> Bool {
        guard let age = settings.retentionMilliseconds, segment.byteCount > 0 else {
            return segment.byteCount == 0
        }
        let (difference, isFarOff) = now.subtractingReportingOverflow(segment.maxTimestamp)
        return isFarOff ? segment.maxTimestamp < 0 : difference > age
    }

    /// Moves the first readable offset; files go once that is on stable storage.
    private func moveStart(
        to offset: Int64,
        _ completion: @escaping @Sendable (BrokerError?) -> Void
    ) {
        logStart = offset
        sync.didMoveStart(to: offset, lastStable: lastStable)
        epochs.advance(logStart: offset)
        producers.advance(logStart: offset, open: active.index.transactions.open)
        wakeWaiters()
        let runLater = runLater
        writeCheckpoint { error in
            if error == nil { runLater { $0.removeHiddenSegments() } }
            completion(error)
        }
    }

    /// Removes the files of segments that lie wholly before the first readable offset.
    private func removeHiddenSegments() {
        guard !isDeleted else { return }
        var removed = 0
        while removed < segments.count - 1, segments[removed + 1].baseOffset <= logStart {
            removed += 1
        }
        guard removed > 0 else { return }
        readEnds.forget()
        let old = segments[..<removed]
        segments.removeFirst(removed)
        do throws(BrokerError) {
            for segment in old {
                openSegments.close(segment)
                try segment.remove()
            }
        } catch {
            environment.flusher.report(error)  // The next start finds and removes them.
        }
    }
}
