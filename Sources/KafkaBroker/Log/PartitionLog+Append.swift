import Foundation
import KafkaWire
import NIOCore

extension PartitionLog {
    /// What a batch led to.
    private struct Outcome {
        var batch: AppendedBatch
        /// Where the batch ends that must be on stable storage; nil if nobody waits for that.
        var durableOffset: Int64?
    }

    /// Appends a batch, or finds that it is there already.
    ///
    /// - Parameters:
    ///   - request: The batch, and when to answer.
    ///   - completion: Called once, at once or later on a disk thread; must not block.
    func append(
        _ request: AppendRequest,
        _ completion: @escaping @Sendable (Result<AppendedBatch, AppendFailure>) -> Void
    ) {
        let outcome: Outcome
        do throws(AppendFailure) {
            guard let records = request.records else {
                throw AppendFailure(.invalidRecord, "there is no batch")
            }
            let result = records.withUnsafeReadableBytes { bytes in
                Result { () throws(AppendFailure) in try append(bytes, request) }
            }
            outcome = try result.get()
        } catch {
            return completion(.failure(error))
        }
        guard let offset = outcome.durableOffset else { return completion(.success(outcome.batch)) }
        sync.whenSynced(upTo: offset) { failure in
            completion(failure.map { .failure($0) } ?? .success(outcome.batch))
        }
    }

    private func append(
        _ bytes: UnsafeRawBufferPointer,
        _ request: AppendRequest
    ) throws(AppendFailure) -> Outcome {
        let now = environment.now()
        let validator = BatchValidator(
            settings: settings,
            isTransactional: request.isTransactional,
            produceVersion: request.produceVersion,
            now: now
        )
        var header = try validator.validate(bytes, decompressor)
        if let failure = sync.failure { throw failure }
        if isClosing { throw AppendFailure(.kafkaStorageError, "the broker is stopping") }
        if let original = try producers.duplicate(of: header) {
            // A retry may arrive before the sync of the first attempt has ended.
            return Outcome(
                batch: AppendedBatch(
                    baseOffset: original.firstOffset,
                    appendTimestamp: settings.usesAppendTime ? original.timestamp : -1,
                    logStartOffset: logStart
                ),
                durableOffset: original.nextOffset
            )
        }
        try checkTransaction(header)
        guard environment.flusher.hasRoom else {
            throw AppendFailure(.kafkaStorageError, "the broker's disk is nearly full")
        }
        if settings.usesAppendTime { header.setAppendTime(now) }
        try store(&header, bytes, now)
        let batch = AppendedBatch(
            baseOffset: header.baseOffset,
            appendTimestamp: settings.usesAppendTime ? now : -1,
            logStartOffset: logStart
        )
        // What carries a producer id must survive, or its retry would not be recognised.
        let isDurable = request.acks == -1 || header.producerID >= 0
        return Outcome(batch: batch, durableOffset: isDurable ? header.nextOffset : nil)
    }

    /// Gives a batch its offset and writes it at the end of the log.
    func store(
        _ header: inout RecordBatchHeader,
        _ bytes: UnsafeRawBufferPointer,
        _ now: Int64
    ) throws(AppendFailure) {
        header.baseOffset = endOffset
        header.leaderEpoch = leaderEpoch
        do throws(BrokerError) {
            try rollIfNeeded(for: header, now)
            try write(header, bytes, now)
        } catch {
            environment.flusher.report(error)
            throw AppendFailure(.kafkaStorageError, error.description)
        }
    }

    /// Writes a batch at the end of the active segment and notes it everywhere.
    private func write(
        _ header: RecordBatchHeader,
        _ bytes: UnsafeRawBufferPointer,
        _ now: Int64
    ) throws(BrokerError) {
        let segment = active
        let isNewFile = segment.byteCount == 0
        let file = try openSegments.file(of: segment, creates: isNewFile)
        let body = UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.byteCount...])
        let head = encode(header, body)
        let written = head.withUnsafeBytes { head in
            environment.files.write(head, body, to: file.descriptor, at: segment.byteCount)
        }
        guard written == bytes.count else {
            let code = written < 0 ? Int32(-written) : ENOSPC
            try undoWrite(to: file, segment)
            throw FileSystem.failure("write", file.path, code: code)
        }
        if segment.firstAppend == nil { segment.firstAppend = now }
        segment.add(header, isAbort: header.isControl && TransactionMarker.isAbort(bytes))
        producers.apply(header, now: now, open: segment.index.transactions.open)
        epochs.add(leaderEpoch, at: header.baseOffset)
        hasChanged = true
        let unsynced = sync.didWrite(
            to: file,
            isNewFile: isNewFile,
            segment: segment.baseOffset,
            header,
            lastStable: lastStable
        )
        if settings.flushMilliseconds == 0 || unsynced >= settings.flushRecordCount {
            sync.requestSync()
        } else {
            sync.syncWithin(milliseconds: settings.flushMilliseconds)
        }
        wakeWaiters()
    }

    /// The header's bytes; with a new checksum if the broker has set the time.
    private func encode(_ header: RecordBatchHeader, _ body: UnsafeRawBufferPointer) -> [UInt8] {
        var header = header
        var head = [UInt8](repeating: 0, count: RecordBatchHeader.byteCount)
        head.withUnsafeMutableBytes { head in
            header.write(to: head)
            guard header.usesAppendTime else { return }
            let covered = UnsafeRawBufferPointer(head)[RecordBatchHeader.checksumStart...]
            let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: covered))
            header.checksum = CRC32C.checksum(body, after: first)
            header.write(to: head)
        }
        return head
    }

    /// Cuts off what a failed write left behind; if even that fails, nothing may follow it.
    private func undoWrite(to file: SegmentFile, _ segment: LogSegment) throws(BrokerError) {
        let code = environment.files.truncate(file.descriptor, to: segment.byteCount)
        if code == 0 { return }
        let error = FileSystem.failure("truncate", file.path, code: code)
        sync.fail(AppendFailure(.kafkaStorageError, error.description), hidesUnsynced: false)
        throw error
    }
}

/// Segments.
extension PartitionLog {
    /// Begins a new segment if the batch does not fit into the active one, or that is too old.
    private func rollIfNeeded(for header: RecordBatchHeader, _ now: Int64) throws(BrokerError) {
        let segment = active
        guard segment.byteCount > 0 else { return }
        let size = Int64(segment.byteCount) + Int64(header.totalByteCount)
        let isFull = size > min(settings.segmentByteCount, Int64(Int32.max))
        // Index entries count offsets in 32 bits.
        let isLong = header.nextOffset &- segment.baseOffset > Int64(Int32.max)
        if isFull || isLong || isExpired(segment, now) { try roll() }
    }

    /// Whether a segment has been written to for long enough.
    private func isExpired(_ segment: LogSegment, _ now: Int64) -> Bool {
        guard let first = segment.firstAppend else { return false }
        return now - first >= settings.segmentMilliseconds
    }

    /// Closes the active segment and begins a new one.
    ///
    /// The index and the snapshot may be lost in a crash: both are rebuilt from the segment.
    func roll() throws(BrokerError) {
        let segment = LogSegment(directory: directory, baseOffset: endOffset)
        segment.index = LogIndex(baseOffset: endOffset, after: active.index)
        try active.writeIndex()
        let snapshot = snapshotFile()
        try FileSystem.write(snapshot.bytes, to: snapshot.path, isDurable: false)
        try removeOldSnapshots()
        producers.expire(
            before: environment.now() - environment.settings.producerExpirationMilliseconds,
            open: active.index.transactions.open
        )
        segments.append(segment)
        hasChanged = true
    }
}
