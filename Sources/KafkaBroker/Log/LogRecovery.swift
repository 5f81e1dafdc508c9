import KafkaWire
import Logging

/// Opens a log: checks what may have been lost, cuts off what is unfinished, puts aside what
/// follows damage, and rebuilds index, producers and epochs from the batches.
///
/// A log that was closed in good order is not read at all.
struct LogRecovery {
    let id: PartitionID
    let directory: String
    let environment: LogEnvironment
    private let openFiles: OpenFiles
    private(set) var segments: [LogSegment]
    private(set) var producers = ProducerStates()
    /// With the epochs of everything that is left.
    private(set) var epochs: LeaderEpochs
    private(set) var checkpoint: PartitionCheckpoint
    private(set) var snapshots: [Int64]
    private var scannedByteCount = 0
    /// The segments that were read; only these can hold something that is not synced.
    private var scanned: [LogSegment] = []
    /// Whether the checkpoint has to be written anew.
    private var hasChanged = false

    /// Where the log ends.
    var endOffset: Int64 { segments[segments.count - 1].nextOffset }

    /// Opens the log in a directory, which is made if it is missing.
    ///
    /// - Throws: `BrokerError` if the disk fails; nothing is lost then.
    init(
        _ id: PartitionID,
        directory: String,
        environment: LogEnvironment,
        openFiles: OpenFiles
    ) throws(BrokerError) {
        self.id = id
        self.directory = directory
        self.environment = environment
        self.openFiles = openFiles
        try FileSystem.makeDirectory(directory)
        let names = try FileSystem.names(in: directory)
        for name in names where name.hasSuffix(".new") {
            try FileSystem.remove(directory + "/" + name)
        }
        snapshots = names.compactMap { LogSegment.offset(ofFile: $0, ending: ".snap") }
        let bases = names.compactMap { LogSegment.offset(ofFile: $0, ending: ".log") }
        let path = directory + "/" + PartitionCheckpoint.fileName
        let stored = try FileSystem.contents(of: path).flatMap { PartitionCheckpoint($0) }
        checkpoint = stored ?? PartitionCheckpoint()
        if let first = bases.first, stored == nil || environment.settings.checksEverything {
            hasChanged = true
            checkpoint.recoveryOffset = first
            checkpoint.recoveryPosition = 0
        }
        epochs = checkpoint.epochs
        epochs.truncate(at: checkpoint.recoveryOffset)
        let start = max(checkpoint.recoveryOffset, checkpoint.logStart, 0)
        segments = (bases.isEmpty ? [start] : bases).map {
            LogSegment(directory: directory, baseOffset: $0)
        }
        try run(isNew: bases.isEmpty)
    }

    private mutating func run(isNew: Bool) throws(BrokerError) {
        for index in isNew ? 0..<0 : segments.indices {
            guard let damage = try check(index) else { continue }
            try repair(index, damage)
            break
        }
        let now = environment.now()
        let active = segments[segments.count - 1]
        if active.byteCount > 0 { active.firstAppend = now }
        checkpoint.logStart = min(max(checkpoint.logStart, segments[0].baseOffset), endOffset)
        epochs.truncate(at: endOffset)
        epochs.advance(logStart: checkpoint.logStart)
        try rebuildProducers(now)
        if hasChanged { try makeDurable() }
        openFiles.close(segments)
    }

    /// Takes the newest snapshot of what is left, and counts the batches after it.
    private mutating func rebuildProducers(_ now: Int64) throws(BrokerError) {
        while let offset = snapshots.last, offset > endOffset {
            // It describes batches that are gone; others may get their offsets.
            try FileSystem.remove(PartitionLog.snapshotPath(directory, offset))
            snapshots.removeLast()
        }
        var start = segments[0].baseOffset
        for offset in snapshots.reversed() {
            let path = PartitionLog.snapshotPath(directory, offset)
            if let states = try FileSystem.contents(of: path).flatMap({
                ProducerStates($0, at: offset)
            }) {
                (producers, start) = (states, offset)
                break
            }
            environment.logger.warning(
                "a snapshot of producers is damaged and ignored",
                metadata: ["path": "\(path)"]
            )
        }
        let open = segments[segments.count - 1].index.transactions.open
        for segment in segments where segment.byteCount > 0 && segment.nextOffset > start {
            var scanner = BatchScanner(
                try openFiles.file(of: segment),
                from: segment.index.position(ofOffset: start, baseOffset: segment.baseOffset),
                to: segment.byteCount,
                pieceByteCount: BatchScanner.headerPiece
            )
            while try scanner.next() {
                guard scanner.header.baseOffset >= start else { continue }
                producers.apply(scanner.header, now: now, open: open)
            }
        }
        producers.advance(logStart: checkpoint.logStart, open: open)
        let age = environment.settings.producerExpirationMilliseconds
        producers.expire(before: now - age, open: open)
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
    private mutating func check(_ index: Int) throws(BrokerError) -> Damage? {
        let segment = segments[index]
        let byteCount = FileSystem.byteCount(of: segment.logPath) ?? 0
        if index > 0 {
            let previous = segments[index - 1]
            segment.index = LogIndex(baseOffset: segment.baseOffset, after: previous.index)
            if segment.baseOffset < previous.nextOffset {
                return Damage(position: 0, byteCount: byteCount, reason: "it overlaps another")
            }
            if segment.baseOffset > previous.nextOffset {
                environment.logger.error(
                    "records are missing before a segment",
                    metadata: [
                        "path": "\(segment.logPath)", "missing": "\(previous.nextOffset)...",
                    ]
                )
            }
        }
        // Up to there the segment is known to be sound.
        var checked = segment.baseOffset < checkpoint.recoveryOffset ? byteCount : 0
        let isBeforePoint =
            index + 1 < segments.count
            && segments[index + 1].baseOffset <= checkpoint.recoveryOffset
        if !isBeforePoint { checked = min(checked, Int(checkpoint.recoveryPosition)) }
        if checked > 0, let bytes = try FileSystem.contents(of: segment.indexPath),
            let stored = LogIndex(bytes, covering: checked)
        {
            segment.index = stored
        }
        if segment.byteCount == byteCount { return nil }
        hasChanged = true
        scanned.append(segment)
        return try scan(segment, checked: checked, byteCount)
    }

    /// Counts what the index does not cover; only what comes after `checked` is compared with its
    /// checksums.
    private mutating func scan(
        _ segment: LogSegment,
        checked: Int,
        _ byteCount: Int
    ) throws(BrokerError) -> Damage? {
        var scanner = BatchScanner(
            try openFiles.file(of: segment),
            from: segment.byteCount,
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
                scannedByteCount += header.totalByteCount
            }
            epochs.add(header.leaderEpoch, at: header.baseOffset)
            let isAbort =
                header.isControl ? TransactionMarker.isAbort(records: try scanner.records()) : false
            segment.index.add(header, baseOffset: segment.baseOffset, isAbort: isAbort)
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
        let file = try openFiles.file(of: segment)
        var isTorn = index == segments.count - 1
        if isTorn {
            isTorn = try !Quarantine.hasBatch(in: file, after: damage, from: segment.nextOffset)
        }
        let lost = damage.byteCount - damage.position
        if isTorn {
            environment.logger.warning(
                "an unfinished batch is cut off the end of a log",
                metadata: ["path": "\(segment.logPath)", "bytes": "\(lost)"]
            )
        } else {
            let later = Array(segments[(index + 1)...])
            openFiles.close(later)
            let (path, moved) = try Quarantine.move(
                restOf: segment,
                from: damage.position,
                later,
                of: id,
                to: environment.path + "/quarantine"
            )
            environment.logger.error(
                "a log is damaged: what follows the damage was moved to quarantine",
                metadata: [
                    "path": "\(segment.logPath)", "position": "\(damage.position)",
                    "reason": "\(damage.reason)", "bytes": "\(lost + moved)",
                    "quarantine": "\(path)",
                ]
            )
        }
        if damage.position == 0, index > 0 {
            openFiles.close([segment])
            try segment.remove()
            segments.removeSubrange(index...)
        } else {
            try file.truncate(to: damage.position, environment.files)
            segments.removeSubrange((index + 1)...)
        }
        scanned.removeAll { scanned in !segments.contains { $0 === scanned } }
    }

    /// Brings everything to stable storage and moves the recovery point to the end, so that what
    /// was found now need not be found again.
    private mutating func makeDurable() throws(BrokerError) {
        for segment in scanned {
            try openFiles.file(of: segment).synchronize(environment.files)
            try segment.writeIndex()
        }
        try FileSystem.synchronizeDirectory(directory)
        let end = endOffset
        let snapshot = PartitionLog.snapshotPath(directory, end)
        try FileSystem.write(producers.encoded(at: end), to: snapshot, isDurable: false)
        if snapshots.last != end { snapshots.append(end) }
        checkpoint.recoveryOffset = end
        checkpoint.recoveryPosition = Int64(segments[segments.count - 1].byteCount)
        checkpoint.epochs = epochs
        let path = directory + "/" + PartitionCheckpoint.fileName
        try FileSystem.write(checkpoint.encoded(), to: path, isDurable: true)
        if scannedByteCount > 0 {
            environment.logger.info(
                "a log was checked after an unclean stop",
                metadata: ["partition": "\(id)", "bytes": "\(scannedByteCount)"]
            )
        }
    }
}
