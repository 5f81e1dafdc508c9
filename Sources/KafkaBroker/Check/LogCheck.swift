import KafkaWire

/// Reads all files of one partition's log.
struct LogCheck {
    private let directory: String
    /// The partition as people call it: `events-0`.
    private let name: String
    private let check: DataCheck
    private var checkpoint: PartitionCheckpoint?
    /// The index of the segment read last, as its batches say; nil before the first.
    private var index: LogIndex?
    private var producers = ProducerStates()
    private var epochs = LeaderEpochs()
    /// The snapshots that were not compared yet, with the offsets in their names.
    private var snapshots: [Int64] = []
    /// Whether all batches so far were sound: what is derived from them can be compared.
    private var isWhole = true
    /// Every record is allowed: what was refused did not get into the log.
    private let validator = BatchValidator(
        settings: LogSettings(),
        isTransactional: true,
        produceVersion: 11,
        now: 0
    )

    init(_ directory: String, _ name: String, _ check: DataCheck) {
        self.directory = directory
        self.name = name
        self.check = check
    }

    /// The transactions that have no end in the log.
    var openTransactions: [SegmentTransactions.Open] { index?.transactions.open ?? [] }

    /// The offset after the last record.
    var endOffset: Int64 { index?.nextOffset ?? max(checkpoint?.recoveryOffset ?? 0, 0) }

    /// Reads everything.
    mutating func run() throws(BrokerError) {
        let names = try FileSystem.names(in: directory)
        let bases = names.compactMap { LogSegment.offset(ofFile: $0, ending: ".log") }
        snapshots = names.compactMap { LogSegment.offset(ofFile: $0, ending: ".snap") }
        try readCheckpoint(isExpected: !bases.isEmpty)
        for base in bases {
            try read(LogSegment(directory: directory, baseOffset: base), isLast: base == bases.last)
        }
        try compareSnapshots(upTo: endOffset)
        for offset in snapshots {
            found(check.afterCrash, ".snap", offset, "it is about batches that are not in the log")
        }
        compareCheckpoint(endOffset)
    }

    private func found(
        _ severity: DataCheck.Finding.Severity,
        _ ending: String,
        _ offset: Int64,
        at position: Int? = nil,
        _ problem: String
    ) {
        let path = directory + "/" + LogSegment.name(offset) + ending
        check.found(severity, path, at: position, "\(problem) (\(name))")
    }
}

/// The batches.
extension LogCheck {
    private mutating func read(_ segment: LogSegment, isLast: Bool) throws(BrokerError) {
        let base = segment.baseOffset
        let wasWhole = isWhole
        checkStart(base)
        var rebuilt = LogIndex(baseOffset: base, after: index)
        let file = try SegmentFile(path: segment.logPath, isReadOnly: true)
        let byteCount = FileSystem.byteCount(of: segment.logPath) ?? 0
        if let tail = try readBatches(of: file, byteCount, base, isLast: isLast, into: &rebuilt) {
            isWhole = false
            try report(tail, base, in: file, isLast: isLast, after: rebuilt)
        }
        if wasWhole, isWhole { try compareIndex(segment, rebuilt, isLast: isLast) }
        index = rebuilt
        check.summary.segmentCount += 1
        check.summary.byteCount += byteCount
        check.progress(check.summary.byteCount)
    }

    private mutating func checkStart(_ base: Int64) {
        let expected = index?.nextOffset ?? min(base, checkpoint?.logStart ?? base)
        if base == expected { return }
        isWhole = false
        let problem =
            base > expected
            ? "offsets \(expected) to \(base - 1) are missing before it"
            : "it begins before offset \(expected), where the segment before ends"
        found(.damage, ".log", base, problem)
    }

    /// Reads on after damaged batches; returns where no more can be read, if that is not the end.
    private mutating func readBatches(
        of file: SegmentFile,
        _ byteCount: Int,
        _ base: Int64,
        isLast: Bool,
        into rebuilt: inout LogIndex
    ) throws(BrokerError) -> LogRecovery.Damage? {
        var scanner = BatchScanner(
            file,
            from: 0,
            to: byteCount,
            pieceByteCount: BatchScanner.fullPiece
        )
        func damage(_ position: Int, _ reason: String) -> LogRecovery.Damage {
            LogRecovery.Damage(position: position, byteCount: byteCount, reason: reason)
        }
        var wasSound = true
        while try scanner.next() {
            let (header, position) = (scanner.header, scanner.position)
            // After a batch that cannot be trusted, the next one says where it is.
            let expected = wasSound ? rebuilt.nextOffset : header.baseOffset
            let problem = try problem(&scanner, expected: expected)
            wasSound = problem == nil
            if let problem {
                isWhole = false
                let damage = damage(position, problem)
                if isLast, try isUnfinished(damage, in: file, after: rebuilt) { return damage }
                found(.damage, ".log", base, at: position, problem)
            }
            try compareSnapshots(upTo: header.baseOffset)
            let isAbort =
                header.isControl ? TransactionMarker.isAbort(records: try scanner.records()) : false
            rebuilt.add(header, baseOffset: base, isAbort: isAbort)
            producers.apply(header, now: 0, open: rebuilt.transactions.open)
            epochs.add(header.leaderEpoch, at: header.baseOffset)
            check.summary.batchCount += 1
            check.summary.recordCount += Int(header.recordCount)
        }
        if scanner.isAtEnd { return nil }
        return damage(scanner.nextPosition, "no batch begins where one should")
    }

    /// What is wrong with the batch that was read last; nil if nothing is.
    private func problem(
        _ scanner: inout BatchScanner,
        expected: Int64
    ) throws(BrokerError) -> String? {
        let header = scanner.header
        guard header.baseOffset == expected else {
            return "the batch has offset \(header.baseOffset), \(expected) follows here"
        }
        let range = "offsets \(expected) to \(header.nextOffset - 1)"
        guard try scanner.hasValidChecksum() else { return "the checksum of \(range) is wrong" }
        if let last = epochs.entries.last, header.leaderEpoch < last.epoch {
            return "the batch has leader epoch \(header.leaderEpoch) after \(last.epoch)"
        }
        guard header.compression != nil,
            Int64(header.recordCount) == Int64(header.lastOffsetDelta) + 1
        else {
            return "the header of \(range) contradicts itself"
        }
        let batch = try scanner.batch()
        do throws(BrokerError) {
            try validator.checkRecords(header, batch, check.decompressor)
            return nil
        } catch {
            return "the records of \(range) are damaged: \(error.message)"
        }
    }

    /// Whether damage is the end of a log that was being written when the broker was killed.
    private func isUnfinished(
        _ damage: LogRecovery.Damage,
        in file: SegmentFile,
        after index: LogIndex
    ) throws(BrokerError) -> Bool {
        if check.summary.wasClosedCleanly { return false }
        // What lies before the recovery point was on stable storage.
        if let checkpoint, index.nextOffset < checkpoint.recoveryOffset { return false }
        return try !Quarantine.hasBatch(in: file, after: damage, from: index.nextOffset)
    }

    private func report(
        _ tail: LogRecovery.Damage,
        _ base: Int64,
        in file: SegmentFile,
        isLast: Bool,
        after index: LogIndex
    ) throws(BrokerError) {
        let count = tail.byteCount - tail.position
        if isLast, try isUnfinished(tail, in: file, after: index) {
            let problem = "\(count) bytes of an unfinished batch; the next start cuts them off"
            found(.unfinished, ".log", base, at: tail.position, problem)
        } else {
            let problem = "\(tail.reason); \(count) bytes up to the end of the file are lost"
            found(.damage, ".log", base, at: tail.position, problem)
        }
    }
}

/// What is derived from the batches.
extension LogCheck {
    private mutating func readCheckpoint(isExpected: Bool) throws(BrokerError) {
        let path = directory + "/" + PartitionCheckpoint.fileName
        guard let bytes = try FileSystem.contents(of: path) else {
            // A log that was made since the last start has none before it stops in order.
            if isExpected, check.summary.wasClosedCleanly {
                check.found(.damage, path, "it is missing (\(name))")
            }
            return
        }
        checkpoint = PartitionCheckpoint(bytes)
        // It is written beside the old one and takes its place: no crash explains this.
        if checkpoint == nil { check.found(.damage, path, "it is damaged (\(name))") }
    }

    private func compareCheckpoint(_ end: Int64) {
        guard let checkpoint else { return }
        let path = directory + "/" + PartitionCheckpoint.fileName
        let problem: String
        if max(checkpoint.recoveryOffset, checkpoint.logStart) > end {
            problem =
                "offsets up to \(max(checkpoint.recoveryOffset, checkpoint.logStart)) were on"
                + " stable storage, the log ends at \(end)"
        } else if isWhole {
            let compared = [checkpoint.epochs, epochs].map { epochs in
                var epochs = epochs
                epochs.advance(logStart: checkpoint.logStart)
                // What came after the recovery point may be in one and not yet in the other.
                epochs.truncate(at: checkpoint.recoveryOffset)
                return epochs
            }
            if compared[0] == compared[1] { return }
            problem = "its leader epochs are not those of the batches"
        } else {
            return
        }
        check.found(.damage, path, "\(problem) (\(name))")
    }

    private func compareIndex(
        _ segment: LogSegment,
        _ rebuilt: LogIndex,
        isLast: Bool
    ) throws(BrokerError) {
        guard rebuilt.coveredByteCount > 0 else { return }
        let bytes = try FileSystem.contents(of: segment.indexPath)
        // The index of the segment that is written to is on disk after a clean stop only.
        if isLast, !check.summary.wasClosedCleanly { return }
        let base = segment.baseOffset
        guard let bytes else {
            return found(check.afterCrash, ".idx", base, "it is missing; the next start makes it")
        }
        guard let stored = LogIndex(bytes, covering: rebuilt.coveredByteCount) else {
            let problem = "it is damaged, or does not cover the segment; the next start makes it"
            return found(check.afterCrash, ".idx", base, problem)
        }
        let isSame =
            stored.entries == rebuilt.entries && stored.nextOffset == rebuilt.nextOffset
            && stored.maxTimestamp == rebuilt.maxTimestamp
            // Transactions may have begun in segments that are gone.
            && (stored.transactions == rebuilt.transactions || (checkpoint?.logStart ?? 0) > 0)
        if !isSame { found(.damage, ".idx", base, "it is not that of the segment's batches") }
    }

    /// Compares the snapshots up to the offset that was reached with the batches before it.
    private mutating func compareSnapshots(upTo end: Int64) throws(BrokerError) {
        while let offset = snapshots.first, offset <= end {
            snapshots.removeFirst()
            let path = PartitionLog.snapshotPath(directory, offset)
            guard let bytes = try FileSystem.contents(of: path),
                let stored = ProducerStates(bytes, at: offset)
            else {
                found(check.afterCrash, ".snap", offset, "it is damaged")
                continue
            }
            guard isWhole, offset == end else { continue }
            for (id, mine) in producers.producers {
                // Those that were silent for long have been forgotten.
                guard let theirs = stored.producers[id], let last = mine.batches.last else {
                    continue
                }
                if theirs.epoch != mine.epoch || theirs.batches.last != last {
                    found(.damage, ".snap", offset, "producer \(id) is not as its batches say")
                }
            }
        }
    }
}
