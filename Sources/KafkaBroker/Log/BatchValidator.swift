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
        guard !bytes.isEmpty else { throw AppendFailure(.invalidRecord, "there is no batch") }
        // In all formats the seventeenth byte is the format's number.
        guard bytes.count < 17 || bytes[16] == 2 else {
            throw AppendFailure(
                .invalidRecord,
                "the records have format \(Int8(bitPattern: bytes[16])), only format 2 is accepted"
            )
        }
        guard let header = RecordBatchHeader(bytes) else {
            throw AppendFailure(.corruptMessage, "a batch of \(bytes.count) bytes is too short")
        }
        let total = header.totalByteCount
        guard total >= RecordBatchHeader.byteCount, total <= bytes.count else {
            throw AppendFailure(
                .corruptMessage,
                "a batch of \(total) bytes is announced, there are \(bytes.count)"
            )
        }
        guard total == bytes.count else {
            throw AppendFailure(.invalidRecord, "there is more than one batch for the partition")
        }
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
        try require(header.baseOffset == 0, .invalidRecord, "the batch's base offset is not 0")
        try require(
            bytes.count <= settings.maximumBatchByteCount,
            .messageTooLarge,
            "a batch of \(bytes.count) bytes exceeds max.message.bytes, "
                + "\(settings.maximumBatchByteCount)"
        )
        let covered = bytes[RecordBatchHeader.checksumStart...]
        try require(
            CRC32C.checksum(UnsafeRawBufferPointer(rebasing: covered)) == header.checksum,
            .corruptMessage,
            "the batch's checksum is wrong"
        )
        try require(
            header.recordCount > 0
                && Int64(header.lastOffsetDelta) + 1 == Int64(header.recordCount),
            .invalidRecord,
            "the batch has \(header.recordCount) records and a last offset of "
                + "\(header.lastOffsetDelta)"
        )
        try checkProducer(header)
        try require(
            !header.usesAppendTime,
            .invalidTimestamp,
            "only the broker sets the time of appending"
        )
        let isKnown = header.compression != nil
        try require(
            isKnown && (header.compression != .zstd || produceVersion >= 7),
            .unsupportedCompressionType,
            "compression type \(header.attributes & 7) is not supported in Produce version "
                + "\(produceVersion)"
        )
        try require(
            bytes.count <= settings.segmentByteCount,
            .recordListTooLarge,
            "a batch of \(bytes.count) bytes exceeds segment.bytes, \(settings.segmentByteCount)"
        )
    }

    /// Rule 5, what the header says of who made the batch.
    private func checkProducer(_ header: RecordBatchHeader) throws(AppendFailure) {
        try require(!header.isControl, .invalidRecord, "only the broker writes control batches")
        try require(
            header.producerID < 0 || header.baseSequence >= 0,
            .invalidRecord,
            "the batch has a producer id but no sequence number"
        )
        try require(
            isTransactional || !header.isTransactional,
            .transactionalIDAuthorizationFailed,
            "the batch belongs to a transaction and the request has no transactional id"
        )
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
        let checksTime =
            !settings.usesAppendTime
            && (settings.maximumTimestampAge < Int64.max
                || settings.maximumTimestampLead < Int64.max)
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
            } else if checksTime, !isAllowed(header.baseTimestamp &+ record.timestampDelta) {
                code = .invalidTimestamp
                errors.append(.init(index: index, message: "the record's time is out of range"))
            }
        }
        guard cursor.isAtEnd else {
            return AppendFailure(
                .invalidRecord,
                "the batch holds more than its \(header.recordCount) records"
            )
        }
        guard !errors.isEmpty else { return nil }
        return AppendFailure(
            code,
            "One or more records have been rejected",
            recordErrors: errors
        )
    }

    private func isAllowed(_ timestamp: Int64) -> Bool {
        let (age, isFarOff) = now.subtractingReportingOverflow(timestamp)
        if isFarOff { return false }
        return age <= settings.maximumTimestampAge && age >= -settings.maximumTimestampLead
    }
}
