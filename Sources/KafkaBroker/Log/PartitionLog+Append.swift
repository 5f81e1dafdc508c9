import Foundation
import KafkaWire
import NIOCore

extension PartitionLog {
    /// Appends a batch, or finds that it is there already.
    ///
    /// - Parameters:
    ///   - request: The batch, and when to answer.
    ///   - completion: Called once, at once or later on a disk thread; must not block.
    func append(
        _ request: AppendRequest,
        _ completion: @escaping @Sendable (Result<AppendedBatch, BrokerError>) -> Void
    ) {
        let outcome: (batch: AppendedBatch, durableOffset: Int64?)
        do throws(BrokerError) {
            guard let records = request.records else {
                throw BrokerError(.invalidRecord, "there is no batch")
            }
            outcome = try records.withUnsafeReadableBytes { bytes in
                Result { () throws(BrokerError) in try append(bytes, request) }
            }.get()
        } catch {
            return completion(.failure(error))
        }
        guard let offset = outcome.durableOffset else { return completion(.success(outcome.batch)) }
        progress.whenSynced(upTo: offset) { failure in
            completion(failure.map { .failure($0) } ?? .success(outcome.batch))
        }
    }

    /// Returns what became of the batch, and up to which offset the log must be on stable storage
    /// before the client is told; nil if it need not.
    private func append(
        _ bytes: UnsafeRawBufferPointer,
        _ request: AppendRequest
    ) throws(BrokerError) -> (AppendedBatch, Int64?) {
        let now = environment.now()
        let validator = BatchValidator(
            settings: settings,
            isTransactional: request.isTransactional,
            produceVersion: request.produceVersion,
            now: now
        )
        var header = try validator.validate(bytes, decompressor)
        try checkWritable()
        var batch = AppendedBatch(
            baseOffset: endOffset,
            appendTimestamp: settings.usesAppendTime ? now : -1,
            logStartOffset: logStart
        )
        if let original = try producers.duplicate(of: header) {
            batch.baseOffset = original.firstOffset
            if settings.usesAppendTime { batch.appendTimestamp = original.timestamp }
            // A retry may arrive before the sync of the first attempt has ended.
            return (batch, original.nextOffset)
        }
        try checkTransaction(header)
        guard environment.takeRoom(bytes.count) else {
            throw BrokerError(.kafkaStorageError, "the broker's disk is nearly full")
        }
        if settings.usesAppendTime { header.setAppendTime(now) }
        let records = UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.byteCount...])
        header = try store(header, records, now)
        // What carries a producer id must survive, or its retry would not be recognised.
        let isDurable = request.acks == -1 || header.producerID >= 0
        return (batch, isDurable ? header.nextOffset : nil)
    }

    /// Gives a batch its offset and writes it at the end of the log.
    func store(
        _ header: RecordBatchHeader,
        _ records: UnsafeRawBufferPointer,
        _ now: Int64
    ) throws(BrokerError) -> RecordBatchHeader {
        var header = header
        header.baseOffset = endOffset
        header.leaderEpoch = leaderEpoch
        hasChanged = true
        do throws(BrokerError) {
            try rollIfNeeded(for: header, now)
            try write(header, records, now)
            isFailing = false
            return header
        } catch {
            if !isFailing { environment.report(error) }  // Not again for each batch.
            isFailing = true
            throw error
        }
    }

    /// Writes a batch at the end of the active segment and notes it everywhere.
    private func write(
        _ header: RecordBatchHeader,
        _ records: UnsafeRawBufferPointer,
        _ now: Int64
    ) throws(BrokerError) {
        let segment = active
        let isNewFile = segment.byteCount == 0
        let file = try openFiles.file(of: segment, creates: isNewFile)
        let written = encode(header, records).withUnsafeBytes { head in
            environment.files.write(head, records, to: file.descriptor, at: segment.byteCount)
        }
        guard written == header.totalByteCount else {
            try undoWrite(to: file, segment)
            throw FileSystem.failure("write", file.path, written < 0 ? written : -Int(ENOSPC))
        }
        if segment.firstAppend == nil { segment.firstAppend = now }
        let isAbort = header.isControl && TransactionMarker.isAbort(records: records)
        segment.index.add(header, baseOffset: segment.baseOffset, isAbort: isAbort)
        producers.apply(header, now: now, open: segment.index.transactions.open)
        epochs.add(leaderEpoch, at: header.baseOffset)
        let unsynced = progress.didWrite(
            header,
            to: file,
            isNewFile: isNewFile,
            lastStable: lastStable
        )
        progress.sync(
            withinMilliseconds: unsynced >= settings.flushRecordCount
                ? 0 : settings.flushMilliseconds
        )
    }

    /// The header's bytes; with a new checksum if the broker has made or changed the batch.
    private func encode(_ header: RecordBatchHeader, _ records: UnsafeRawBufferPointer) -> [UInt8] {
        var header = header
        var head = [UInt8](repeating: 0, count: RecordBatchHeader.byteCount)
        head.withUnsafeMutableBytes { head in
            header.write(to: head)
            guard header.usesAppendTime || header.isControl else { return }
            let covered = UnsafeRawBufferPointer(head)[RecordBatchHeader.checksumStart...]
            let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: covered))
            header.checksum = CRC32C.checksum(records, after: first)
            header.write(to: head)
        }
        return head
    }

    /// Cuts off what a failed write left behind; if even that fails, nothing may follow it.
    private func undoWrite(to file: SegmentFile, _ segment: LogSegment) throws(BrokerError) {
        do throws(BrokerError) {
            try file.truncate(to: segment.byteCount, environment.files)
        } catch {
            progress.fail(error, hidesUnsynced: false)
            throw error
        }
    }
}

/// Segments.
extension PartitionLog {
    /// Begins a new segment if the batch does not fit into the active one, or that is too old.
    private func rollIfNeeded(for header: RecordBatchHeader, _ now: Int64) throws(BrokerError) {
        guard active.byteCount > 0 else { return }
        let size = Int64(active.byteCount) + Int64(header.totalByteCount)
        let isFull = size > min(settings.segmentByteCount, Int64(Int32.max))
        // Index entries count offsets in 32 bits.
        let isLong = header.nextOffset &- active.baseOffset > Int64(Int32.max)
        if isFull || isLong || isOld(now) { try roll() }
    }

    /// Whether the active segment has been written to for long enough.
    func isOld(_ now: Int64) -> Bool {
        guard let first = active.firstAppend else { return false }
        return now - first >= settings.segmentMilliseconds
    }

    /// Closes the active segment and begins a new one.
    ///
    /// The index and the snapshot may be lost in a crash: both are rebuilt from the segment.
    func roll() throws(BrokerError) {
        try active.writeIndex()
        let snapshot = snapshotFile()
        try FileSystem.write(snapshot.bytes, to: snapshot.path, isDurable: false)
        try removeOldSnapshots()
        expireProducers()
        segments.append(LogSegment(directory: directory, baseOffset: endOffset, after: active))
        hasChanged = true
        moveRecoveryPoint(to: endOffset)
    }
}
