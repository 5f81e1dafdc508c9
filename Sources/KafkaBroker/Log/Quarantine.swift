import Foundation
import KafkaWire

/// Damaged parts of logs, kept for whoever wants to look at them.
enum Quarantine {
    /// More places than this that look like a batch and are none are taken for damage in the
    /// middle: records may hold anything, batches too.
    private static let candidateLimit = 10_000

    /// Whether a sound batch follows damage, so that it is not merely an unfinished end.
    static func hasBatch(
        in file: SegmentFile,
        after damage: LogRecovery.Damage,
        from offset: Int64
    ) throws(BrokerError) -> Bool {
        var candidates = 0
        var position = damage.position + 1
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 16)
        defer { piece.deallocate() }
        while damage.byteCount - position >= RecordBatchHeader.byteCount {
            let count = try file.read(into: piece, at: position)
            guard count >= RecordBatchHeader.byteCount else { return false }
            let starts = count - RecordBatchHeader.byteCount + 1
            for start in 0..<starts where piece[start + 16] == 2 {
                let bytes = UnsafeRawBufferPointer(piece)
                let available = damage.byteCount - position - start
                guard let header = RecordBatchHeader(bytes, at: start),
                    header.isPlausible(available: available), header.baseOffset >= offset
                else { continue }
                candidates += 1
                if candidates > candidateLimit { return true }
                var scanner = BatchScanner(
                    file,
                    from: position + start,
                    to: damage.byteCount,
                    pieceByteCount: header.totalByteCount
                )
                if try scanner.next(), try scanner.hasValidChecksum() { return true }
            }
            position += starts
        }
        return false
    }

    /// Copies the rest of a segment, and moves later segments, into a directory of their own.
    ///
    /// - Returns: The directory, and the size of the later segments.
    static func move(
        restOf file: SegmentFile,
        from position: Int,
        _ segment: LogSegment,
        _ later: [LogSegment],
        to quarantine: String,
        _ id: PartitionID
    ) throws(BrokerError) -> (String, Int) {
        try FileSystem.makeDirectory(quarantine)
        var number = 0
        var path = ""
        repeat {
            number += 1
            path = "\(quarantine)/\(id)-\(number)"
        } while try !FileSystem.makeDirectory(path)
        let name = "\(LogSegment.name(segment.baseOffset)).log.from-\(position)"
        try copy(file, from: position, to: path + "/" + name)
        var moved = 0
        for segment in later {
            moved += FileSystem.byteCount(of: segment.logPath) ?? 0
            let name = LogSegment.name(segment.baseOffset) + ".log"
            try FileSystem.rename(segment.logPath, to: path + "/" + name)
            try FileSystem.remove(segment.indexPath)
        }
        try FileSystem.synchronizeDirectory(path)
        try FileSystem.synchronizeDirectory(quarantine)
        return (path, moved)
    }

    private static func copy(
        _ file: SegmentFile,
        from start: Int,
        to path: String
    ) throws(BrokerError) {
        let files = SystemLogFiles()
        let copy = try SegmentFile(path: path, creates: true)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 16)
        defer { piece.deallocate() }
        var position = start
        while true {
            let count = try file.read(into: piece, at: position)
            if count == 0 { break }
            let bytes = UnsafeRawBufferPointer(rebasing: piece[..<count])
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            let written = files.write(
                bytes,
                none,
                to: copy.descriptor,
                at: position - start
            )
            guard written == count else {
                throw FileSystem.failure(
                    "write",
                    path,
                    code: written < 0 ? Int32(-written) : ENOSPC
                )
            }
            position += count
        }
        let code = files.synchronize(copy.descriptor)
        guard code == 0 else { throw FileSystem.failure("sync", path, code: code) }
    }
}
