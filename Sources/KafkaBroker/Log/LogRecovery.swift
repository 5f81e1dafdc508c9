import KafkaWire
import Logging

/// What lies on disk of a log, checked and ready to go on.
struct RecoveredLog {
    var directory: String
    var segments: [LogSegment]
    var producers: ProducerStates
    /// With the epochs of everything that is left.
    var epochs: LeaderEpochs
    var checkpoint: PartitionCheckpoint
    var snapshots: [Int64]
    var report: RecoveryReport

    /// Where the log ends.
    var endOffset: Int64 { segments.last?.nextOffset ?? 0 }
}

/// Opens a log: checks what may have been lost, cuts off what is unfinished, puts aside what
/// follows damage, and rebuilds index, producers and epochs from the batches.
///
/// A log that was closed in good order is not read at all.
struct LogRecovery {
    private let id: PartitionID
    private let directory: String
    private let environment: PartitionLog.Environment
    private var openSegments = OpenSegments()
    private var segments: [LogSegment] = []
    private var producers = ProducerStates()
    /// The offset from which batches are not yet in `producers`.
    private var producersEnd: Int64 = 0
    private var epochs = LeaderEpochs()
    private var checkpoint: PartitionCheckpoint
    private var snapshots: [Int64] = []
    private var report: RecoveryReport
    /// Whether anything on disk has to be written anew.
    private var hasChanged = false

    /// Opens the log in a directory, which is made if it is missing.
    ///
    /// - Parameters:
    ///   - id: Which partition it is.
    ///   - directory: Where it lies.
    ///   - environment: What all logs share.
    /// - Returns: The log, all of it on stable storage.
    /// - Throws: `BrokerError` if the disk fails; nothing is lost then.
    static func open(
        _ id: PartitionID,
        directory: String,
        environment: PartitionLog.Environment
    ) throws(BrokerError) -> RecoveredLog {
        try FileSystem.makeDirectory(directory)
        var recovery = try LogRecovery(id, directory, environment)
        return try recovery.run()
    }

    private init(
        _ id: PartitionID,
        _ directory: String,
        _ environment: PartitionLog.Environment
    ) throws(BrokerError) {
        self.id = id
        self.directory = directory
        self.environment = environment
        report = RecoveryReport(topicID: id.topic, partition: id.index)
        let names = try FileSystem.names(in: directory)
        for name in names where name.hasSuffix(".new") {
            try FileSystem.remove(directory + "/" + name)
        }
        segments = names.compactMap { LogSegment.offset(ofFile: $0, ending: ".log") }
            .map { LogSegment(directory: directory, baseOffset: $0) }
        snapshots = names.compactMap { LogSegment.offset(ofFile: $0, ending: ".snap") }
        let path = directory + "/" + PartitionCheckpoint.fileName
        let stored = try FileSystem.contents(of: path).flatMap { PartitionCheckpoint($0) }
        checkpoint = stored ?? PartitionCheckpoint()
        if stored == nil || environment.settings.checksEverything {
            hasChanged = !segments.isEmpty
            checkpoint.recoveryOffset = segments.first?.baseOffset ?? checkpoint.recoveryOffset
            checkpoint.recoverySegment = checkpoint.recoveryOffset
            checkpoint.recoveryPosition = 0
        }
        epochs = checkpoint.epochs
        epochs.truncate(at: checkpoint.recoveryOffset)
    }

    private mutating func run() throws(BrokerError) -> RecoveredLog {
        if segments.isEmpty {
            let offset = max(checkpoint.recoveryOffset, checkpoint.logStart, 0)
            segments = [LogSegment(directory: directory, baseOffset: offset)]
        } else {
            try loadSnapshot(upTo: checkpoint.recoveryOffset)
            for index in segments.indices {
                guard let reason = try open(index) else { continue }
                try repair(index, reason)
                break
            }
        }
        let end = segments[segments.count - 1].nextOffset
        if producersEnd > end { try rebuildProducers(end) }
        for offset in snapshots where offset > end {
            // It describes batches that are gone; others may get their offsets.
            try FileSystem.remove(PartitionLog.snapshotPath(directory, offset))
        }
        snapshots.removeAll { $0 > end }
        checkpoint.logStart = min(max(checkpoint.logStart, segments[0].baseOffset), end)
        epochs.truncate(at: end)
        epochs.advance(logStart: checkpoint.logStart)
        let open = segments[segments.count - 1].index.transactions.open
        producers.advance(logStart: checkpoint.logStart, open: open)
        let age = environment.settings.producerExpirationMilliseconds
        producers.expire(before: environment.now() - age, open: open)
        if hasChanged { try makeDurable(end) }
        openSegments.closeAll()
        return RecoveredLog(
            directory: directory,
            segments: segments,
            producers: producers,
            epochs: epochs,
            checkpoint: checkpoint,
            snapshots: snapshots,
            report: report
        )
    }

    /// Takes the newest snapshot that does not lie after an offset.
    private mutating func loadSnapshot(upTo end: Int64) throws(BrokerError) {
        producers = ProducerStates()
        producersEnd = segments[0].baseOffset
        for offset in snapshots.reversed() where offset <= end {
            let path = PartitionLog.snapshotPath(directory, offset)
            guard let bytes = try FileSystem.contents(of: path) else { continue }
            if let states = ProducerStates(bytes, at: offset) {
                producers = states
                producersEnd = offset
                return
            }
            environment.logger.warning(
                "a snapshot of producers is damaged and ignored",
                metadata: ["path": "\(path)"]
            )
        }
    }

    /// Begins again with an older snapshot: the one taken knows batches that are gone, although
    /// they lay before the recovery point.
    private mutating func rebuildProducers(_ end: Int64) throws(BrokerError) {
        hasChanged = true
        let now = environment.now()
        try loadSnapshot(upTo: end)
        for segment in segments where segment.byteCount > 0 && segment.nextOffset > producersEnd {
            var scanner = BatchScanner(
                try openSegments.file(of: segment),
                from: 0,
                to: segment.byteCount,
                pieceByteCount: BatchScanner.headerPiece
            )
            while try scanner.next() {
                if scanner.header.baseOffset >= producersEnd {
                    producers.apply(scanner.header, now: now)
                }
            }
        }
    }
}

/// Reading the segments.
extension LogRecovery {
    /// Where and why a segment cannot be read on.
    struct Damage {
        var position: Int
        var byteCount: Int
        var reason: String
    }

    /// Finds out what is in a segment; returns nil if all of it is sound.
    private mutating func open(_ index: Int) throws(BrokerError) -> Damage? {
        let segment = segments[index]
        let byteCount = FileSystem.byteCount(of: segment.logPath) ?? 0
        if index > 0, segment.baseOffset < segments[index - 1].nextOffset {
            return Damage(position: 0, byteCount: byteCount, reason: "it overlaps the one before")
        }
        if index > 0, segment.baseOffset > segments[index - 1].nextOffset {
            environment.logger.error(
                "records are missing before a segment",
                metadata: [
                    "path": "\(segment.logPath)", "missing": "\(segments[index - 1].nextOffset)...",
                ]
            )
        }
        // Up to here the segment is known to be sound.
        var checked = segment.baseOffset < checkpoint.recoverySegment ? byteCount : 0
        if segment.baseOffset == checkpoint.recoverySegment {
            checked = min(checkpoint.recoveryPosition, byteCount)
        }
        segment.index = LogIndex(
            baseOffset: segment.baseOffset,
            after: index > 0 ? segments[index - 1].index : nil
        )
        var start = 0
        if checked > 0, let bytes = try FileSystem.contents(of: segment.indexPath),
            let stored = LogIndex(bytes, covering: checked), stored.nextOffset <= producersEnd
        {
            segment.index = stored
            start = checked
        }
        if start == byteCount { return nil }
        hasChanged = true
        return try scan(segment, from: start, checked: checked, byteCount)
    }

    private mutating func scan(
        _ segment: LogSegment,
        from start: Int,
        checked: Int,
        _ byteCount: Int
    ) throws(BrokerError) -> Damage? {
        let now = environment.now()
        var scanner = BatchScanner(
            try openSegments.file(of: segment),
            from: start,
            to: byteCount,
            pieceByteCount: checked < byteCount ? BatchScanner.fullPiece : BatchScanner.headerPiece
        )
        func damage(_ position: Int, _ reason: String) -> Damage {
            Damage(position: position, byteCount: byteCount, reason: reason)
        }
        while try scanner.next() {
            let (header, position) = (scanner.header, scanner.position)
            // Not covered by the checksum. Compaction will leave gaps, and have to relax this.
            guard header.baseOffset == segment.nextOffset else {
                return damage(position, "the offset is \(header.baseOffset)")
            }
            if position >= checked {
                guard try scanner.hasValidChecksum() else {
                    return damage(position, "a checksum is wrong")
                }
                report.scannedByteCount += header.totalByteCount
                epochs.add(header.leaderEpoch, at: header.baseOffset)
            }
            let isAbort = header.isControl ? TransactionMarker.isAbort(try scanner.batch()) : false
            segment.add(header, isAbort: isAbort)
            if header.baseOffset >= producersEnd {
                producers.apply(header, now: now, open: segment.index.transactions.open)
            }
        }
        if scanner.isAtEnd { return nil }
        return damage(scanner.nextPosition, "no batch begins where one should")
    }
}

/// Repairing.
extension LogRecovery {
    /// Ends the log before damage: cuts off a torn tail, puts everything else into quarantine.
    private mutating func repair(_ index: Int, _ damage: Damage) throws(BrokerError) {
        hasChanged = true
        let segment = segments[index]
        let file = try openSegments.file(of: segment)
        var isTorn = index == segments.count - 1
        if isTorn {
            isTorn = try !Quarantine.hasBatch(in: file, after: damage, from: segment.nextOffset)
        }
        let lost = damage.byteCount - damage.position
        if isTorn {
            report.tornByteCount = lost
            environment.logger.warning(
                "an unfinished batch is cut off the end of a log",
                metadata: ["path": "\(segment.logPath)", "bytes": "\(lost)"]
            )
        } else {
            let later = Array(segments[(index + 1)...])
            let (path, moved) = try Quarantine.move(
                restOf: file,
                from: damage.position,
                segment,
                later,
                to: environment.quarantine,
                id
            )
            report.quarantinedByteCount = lost + moved
            report.quarantinePath = path
            environment.logger.error(
                "a log is damaged: what follows the damage was moved to quarantine",
                metadata: [
                    "path": "\(segment.logPath)", "position": "\(damage.position)",
                    "reason": "\(damage.reason)", "quarantine": "\(path)",
                ]
            )
        }
        let code = environment.files.truncate(file.descriptor, to: damage.position)
        guard code == 0 else { throw FileSystem.failure("truncate", file.path, code: code) }
        segments.removeSubrange((index + 1)...)
    }

    /// Brings everything to stable storage and moves the recovery point to the end, so that what
    /// was found now need not be found again.
    private mutating func makeDurable(_ end: Int64) throws(BrokerError) {
        for segment in segments
        where segment.byteCount > 0 && segment.nextOffset > checkpoint.recoveryOffset {
            let file = try openSegments.file(of: segment)
            if let error = environment.flusher.synchronize([file]) { throw error }
        }
        try FileSystem.synchronizeDirectory(directory)
        for segment in segments where segment.byteCount > 0 { try segment.writeIndex() }
        let snapshot = PartitionLog.snapshotPath(directory, end)
        try FileSystem.write(producers.encoded(at: end), to: snapshot, isDurable: false)
        if snapshots.last != end { snapshots.append(end) }
        let active = segments[segments.count - 1]
        checkpoint.recoveryOffset = end
        checkpoint.recoverySegment = active.baseOffset
        checkpoint.recoveryPosition = active.byteCount
        checkpoint.epochs = epochs
        let path = directory + "/" + PartitionCheckpoint.fileName
        try FileSystem.write(checkpoint.encoded(), to: path, isDurable: true)
        if report.scannedByteCount > 0 {
            environment.logger.info(
                "a log was checked after an unclean stop",
                metadata: ["partition": "\(id)", "bytes": "\(report.scannedByteCount)"]
            )
        }
    }
}
