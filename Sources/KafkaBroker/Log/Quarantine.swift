import Foundation
import KafkaWire

/// Damaged parts of logs, kept for whoever wants to look at them: `quarantine/` in the data
/// directory.
struct Quarantine {
    /// More places than this that look like a batch and are none are taken for damage in the
    /// middle: records may hold anything, batches too.
    private static let candidateLimit = 10_000

    private let path: String

    /// Names the quarantine of a data directory, which need not exist.
    init(_ dataDirectory: String) { path = dataDirectory + "/quarantine" }

    /// What is in it: `<topic id>-<partition>-<n>` each, and how many bytes.
    func entries() throws(BrokerError) -> [(name: String, byteCount: Int)] {
        var entries: [(String, Int)] = []
        for name in try FileSystem.names(in: path) {
            let files = try FileSystem.names(in: path + "/" + name)
            let sizes = files.map { FileSystem.byteCount(of: "\(path)/\(name)/\($0)") ?? 0 }
            entries.append((name, sizes.reduce(0, +)))
        }
        return entries
    }

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
                if candidates > Self.candidateLimit { return true }
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
    func move(
        restOf segment: LogSegment,
        from position: Int,
        _ later: [LogSegment],
        of id: PartitionID
    ) throws(BrokerError) -> (String, Int) {
        try FileSystem.makeDirectory(path)
        var number = 1
        while try !FileSystem.makeDirectory("\(path)/\(id)-\(number)") { number += 1 }
        let place = "\(path)/\(id)-\(number)"
        let name = "\(LogSegment.name(segment.baseOffset)).log.from-\(position)"
        do {
            // The file is mapped: at most 2 GiB of addresses, not of memory.
            let source = URL(fileURLWithPath: segment.logPath)
            let rest = try Data(contentsOf: source, options: .alwaysMapped).dropFirst(position)
            try rest.write(to: URL(fileURLWithPath: place + "/" + name))
        } catch {
            throw BrokerError(
                .storage,
                "cannot copy the damaged part of \(segment.logPath): \(error)",
                remedy: "make room on the disk, or remove old files from \(path)"
            )
        }
        try SegmentFile(path: place + "/" + name).synchronize()
        var moved = 0
        for segment in later {
            moved += FileSystem.byteCount(of: segment.logPath) ?? 0
            let name = LogSegment.name(segment.baseOffset) + ".log"
            try FileSystem.rename(segment.logPath, to: place + "/" + name)
            try FileSystem.remove(segment.indexPath)
        }
        try FileSystem.synchronizeDirectory(place)
        try FileSystem.synchronizeDirectory(path)
        return (place, moved)
    }
}
