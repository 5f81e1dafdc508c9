import KafkaWire

/// Checks a batch that a client wants to append, before anything is written.
///
/// The order of the checks is Kafka's (rules 4–8 of section 3.2), since clients act on the code.
struct BatchValidator {
    var settings: LogSettings
    /// Whether the Produce request names a transactional id.
    var isTransactional: Bool
    /// The version of the Produce request.
    var produceVersion: Int16
    /// The time, in milliseconds since 1970.
    var now: Int64

    /// Checks the bytes that a client sent for one partition.
    ///
    /// - Parameters:
    ///   - bytes: What it sent.
    ///   - decompressor: Opens compressed batches.
    /// - Returns: The batch's header.
    /// - Throws: `AppendFailure` with the code for the first rule that is broken.
    func validate(
        _ bytes: UnsafeRawBufferPointer,
        _ decompressor: Decompressor
    ) throws(AppendFailure) -> RecordBatchHeader {
        let header = try frame(bytes)
        try check(header, bytes)
        try checkRecords(header, bytes, decompressor)
        return header
    }

    /// Rule 4: one batch with magic 2.
    private func frame(_ bytes: UnsafeRawBufferPointer) throws(AppendFailure) -> RecordBatchHeader {
        let count = bytes.count
        try require(count > 0, .invalidRecord, "there is no batch")
        // In all formats the seventeenth byte is the format's number.
        try require(count < 17 || bytes[16] == 2, .invalidRecord, "only format 2 is accepted")
        guard let header = RecordBatchHeader(bytes) else {
            throw AppendFailure(.corruptMessage, "a batch of \(count) bytes is too short")
        }
        let total = header.totalByteCount
        let isWhole = total >= RecordBatchHeader.byteCount && total <= count
        try require(isWhole, .corruptMessage, "\(total) bytes are announced, there are \(count)")
        try require(total == count, .invalidRecord, "there is more than one batch")
        return header
    }

    private func require(
        _ condition: Bool,
        _ code: ErrorCode,
        _ message: @autoclosure () -> String
    ) throws(AppendFailure) {
        if !condition { throw AppendFailure(code, message()) }
    }

    /// Rule 5: what the header says.
    private func check(
        _ header: RecordBatchHeader,
        _ bytes: UnsafeRawBufferPointer
    ) throws(AppendFailure) {
        let (size, count) = (Int64(bytes.count), header.recordCount)
        try require(header.baseOffset == 0, .invalidRecord, "the batch's base offset is not 0")
        let most = settings.maximumBatchByteCount
        try require(
            size <= most,
            .messageTooLarge,
            "\(size) bytes exceed max.message.bytes, \(most)"
        )
        let covered = UnsafeRawBufferPointer(
            rebasing: bytes[RecordBatchHeader.checksumStart...]
        )
        let isSound = CRC32C.checksum(covered) == header.checksum
        try require(isSound, .corruptMessage, "the batch's checksum is wrong")
        let isCounted = count > 0 && header.lastOffsetDelta == count - 1
        try require(isCounted, .invalidRecord, "the batch cannot have \(count) records")
        try require(!header.isControl, .invalidRecord, "only the broker writes control batches")
        let isNumbered = header.producerID < 0 || header.baseSequence >= 0
        try require(isNumbered, .invalidRecord, "a producer id needs a sequence number")
        try require(
            isTransactional || !header.isTransactional,
            .transactionalIDAuthorizationFailed,
            "the batch belongs to a transaction and the request has no transactional id"
        )
        try require(!header.usesAppendTime, .invalidTimestamp, "only the broker sets append times")
        try require(
            header.compression.map { $0 != .zstd || produceVersion >= 7 } ?? false,
            .unsupportedCompressionType,
            "compression \(header.attributes & 7) does not go with Produce \(produceVersion)"
        )
        let fits = size <= settings.segmentByteCount
        try require(fits, .recordListTooLarge, "\(size) bytes exceed segment.bytes")
    }

    /// Rules 6–8: the records themselves.
    func checkRecords(
        _ header: RecordBatchHeader,
        _ bytes: UnsafeRawBufferPointer,
        _ decompressor: Decompressor
    ) throws(AppendFailure) {
        let payload = UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.byteCount...])
        let failure: AppendFailure?
        do throws(Decompressor.Failure) {
            failure = try decompressor.withDecompressed(
                payload,
                header.compression ?? .none,
                limit: Decompressor.limit(forBatchOf: bytes.count)
            ) { records in
                self.failure(of: records, header)
            }
        } catch {
            throw AppendFailure(.invalidRecord, "the batch cannot be opened: \(error.reason)")
        }
        if let failure { throw failure }
    }

    private func failure(
        of records: UnsafeRawBufferPointer,
        _ header: RecordBatchHeader
    ) -> AppendFailure? {
        var cursor = RecordCursor(records)
        var errors: [AppendFailure.RecordError] = []
        var code = ErrorCode.invalidRecord
        for index in 0..<header.recordCount {
            let record: RecordView
            do throws(WireError) {
                record = try cursor.next()
            } catch {
                return AppendFailure(.invalidRecord, "record \(index) is damaged: \(error.message)")
            }
            guard record.offsetDelta == index else {
                return AppendFailure(
                    .invalidRecord,
                    "record \(index) has the offset \(record.offsetDelta) in its batch"
                )
            }
            if settings.isCompacted, record.key == nil {
                errors.append(
                    .init(index: index, message: "a compacted topic needs a key in every record")
                )
            } else if !isAllowed(header.baseTimestamp &+ record.timestampDelta) {
                code = .invalidTimestamp
                errors.append(.init(index: index, message: "the record's time is out of range"))
            }
        }
        guard cursor.isAtEnd else {
            let problem = "the batch holds more than its \(header.recordCount) records"
            return AppendFailure(.invalidRecord, problem)
        }
        if errors.isEmpty { return nil }
        let problem = "One or more records have been rejected"
        return AppendFailure(code, problem, recordErrors: errors)
    }

    /// Whether a record may have a time, which the broker may replace.
    private func isAllowed(_ timestamp: Int64) -> Bool {
        let (oldest, latest) = (settings.maximumTimestampAge, settings.maximumTimestampLead)
        if settings.usesAppendTime || (oldest == .max && latest == .max) { return true }
        let (age, isFarOff) = now.subtractingReportingOverflow(timestamp)
        return !isFarOff && age <= oldest && age >= -latest
    }
}
