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

    /// Forgets the producers that have been silent for too long.
    func expireProducers() {
        producers.expire(
            before: environment.now() - environment.settings.producerExpirationMilliseconds,
            open: active.index.transactions.open
        )
    }

    /// Forgets silent producers, closes the active segment if it is old, and removes the segments
    /// that the topic's settings no longer keep.
    func removeExpiredSegments() {
        guard !isDeleted, !isClosing, progress.failure == nil else { return }
        expireProducers()
        let now = environment.now()
        do throws(BrokerError) {
            let isExpired = settings.deletesOldRecords && isTooOld(active, now)
            if active.byteCount > 0, isExpired || isOld(now) { try roll() }
        } catch {
            return environment.report(error)
        }
        guard settings.deletesOldRecords else { return }
        var removed = segments.dropLast().prefix { isTooOld($0, now) }.count
        if let limit = settings.retentionByteCount {
            var total = segments[removed...].reduce(0) { $0 + Int64($1.byteCount) }
            while removed < segments.count - 1 {
                total -= Int64(segments[removed].byteCount)
                if total < limit { break }
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
        removeHiddenSegments()  // What a crash left behind after the start had moved.
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
        _ completion: @escaping PartitionProgress.Completion
    ) {
        logStart = offset
        hasChanged = true
        progress.didMoveStart(to: offset, lastStable: lastStable)
        epochs.advance(logStart: offset)
        producers.advance(logStart: offset, open: active.index.transactions.open)
        let delay = settings.fileDeletionDelayMilliseconds
        writeCheckpoint { [runLater, environment] error in
            completion(error)
            guard error == nil else { return }
            environment.after(delay) {
                runLater { log in
                    log.removableStart = max(log.removableStart, offset)
                    log.removeHiddenSegments()
                }
            }
        }
    }

    /// Removes the files of segments that lie wholly before what readers may still have open.
    private func removeHiddenSegments() {
        guard !isDeleted else { return }
        let removed = segments.dropFirst().prefix { $0.baseOffset <= removableStart }.count
        let old = segments.prefix(removed)
        segments.removeFirst(removed)
        openFiles.close(old)
        do throws(BrokerError) {
            for segment in old { try segment.remove() }
        } catch {
            environment.report(error)  // The next start finds and removes them.
        }
    }
}
