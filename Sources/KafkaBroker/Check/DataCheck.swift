import Foundation
import GRDB
import KafkaWire

/// Reads a whole data directory while no broker uses it, and tells what is not as it was written.
///
/// Nothing in the directory is changed: a copy of the metadata is opened in its place. Owned by
/// one thread, which it blocks.
public final class DataCheck {
    /// Something that was found.
    public struct Finding: Sendable, Equatable, CustomStringConvertible {
        /// How bad it is.
        public enum Severity: String, Sendable {
            /// Something is not as it was written.
            case damage
            /// What a crash leaves behind; the next start clears it up and loses nothing that was
            /// acknowledged.
            case unfinished
            /// Nothing is wrong.
            case notice
        }

        /// How bad it is.
        public var severity: Severity
        /// The file or directory.
        public var path: String
        /// The byte in the file, counted from 0; nil if it is about the file as a whole.
        public var position: Int?
        /// What is wrong.
        public var problem: String

        /// All of it as one line.
        public var description: String {
            let place = position.map { "\(path): byte \($0)" } ?? path
            return "\(severity.rawValue): \(place): \(problem)"
        }
    }

    /// What there is in the directory.
    public struct Summary: Sendable, Equatable {
        /// Whether the broker that used it last stopped in order.
        public var wasClosedCleanly = false
        /// Topics that exist.
        public var topicCount = 0
        /// Their partitions.
        public var partitionCount = 0
        /// Segment files.
        public var segmentCount = 0
        /// Batches that were read.
        public var batchCount = 0
        /// Records in them, markers of transactions included.
        public var recordCount = 0
        /// Bytes of the segment files.
        public var byteCount = 0
        /// Transactions without an end, as `topic-partition: producer 5 since offset 7`.
        public var openTransactions: [String] = []
        /// How much of what was found is damage.
        public var damageCount = 0
    }

    /// What was found so far.
    public internal(set) var summary = Summary()
    /// The directory, from the root.
    let path: String
    let decompressor = Decompressor()
    /// Called with the bytes read so far, after each segment.
    let progress: (Int) -> Void
    private let report: (Finding) -> Void
    /// Held until the end.
    private let lock: DataDirectory

    /// Locks a directory.
    ///
    /// - Parameters:
    ///   - path: The data directory.
    ///   - progress: Called with the number of bytes read so far, now and then.
    ///   - report: Called with each finding.
    /// - Throws: `BrokerError` if it is no data directory or a broker uses it.
    public init(
        _ path: String,
        progress: @escaping (Int) -> Void = { _ in },
        report: @escaping (Finding) -> Void
    ) throws(BrokerError) {
        guard FileSystem.byteCount(of: path + "/lock") != nil else {
            throw BrokerError(
                .dataDirectory,
                "\(path) is not the data directory of a broker: it has no file \"lock\"",
                remedy: "name the directory that the broker was started with"
            )
        }
        lock = try DataDirectory(path: path, creates: false)
        self.path = lock.url.path
        self.progress = progress
        self.report = report
    }

    /// Reads everything.
    ///
    /// - Throws: `BrokerError` if something cannot be read at all.
    public func run() throws(BrokerError) {
        if let metadata = try openMetadata() {
            summary.wasClosedCleanly = metadata.wasClosedCleanly
            let ends = try checkLogs(metadata)
            try checkStrangers(metadata.image)
            checkOffsets(metadata, ends)
        } else {
            for topic in try FileSystem.names(in: path + "/t") {
                for index in try FileSystem.names(in: path + "/t/" + topic) {
                    _ = try checkLog(path + "/t/\(topic)/\(index)", "\(topic)-\(index)")
                }
            }
        }
        try listQuarantine()
    }

    /// Reads the logs of all topics; returns where they end, by names like `events-0`.
    private func checkLogs(
        _ metadata: MetadataDatabase.Opened
    ) throws(BrokerError) -> [String: Int64] {
        let transactions = openTransactions(metadata)
        var ends: [String: Int64] = [:]
        for topic in metadata.image.topics.values.sorted(by: { $0.name < $1.name }) {
            summary.topicCount += 1
            for index in 0..<topic.partitionCount {
                let partition = PartitionID(topic: topic.id, index: index)
                let directory = "\(path)/t/\(PartitionID.directoryName(topic.id))/\(index)"
                let name = "\(topic.name)-\(index)"
                guard FileSystem.byteCount(of: directory) != nil else {
                    // A broker killed while it made the partition leaves this behind.
                    let problem = "there is no directory for \(name)"
                    let next = summary.wasClosedCleanly ? "" : "; the next start makes it"
                    found(afterCrash, directory, problem + next)
                    continue
                }
                let log = try checkLog(directory, name)
                ends[name] = log.endOffset
                for transaction in log.openTransactions
                where transactions[transaction.producerID]?.contains(partition) != true {
                    let problem = "nobody will end the transaction of producer"
                    found(.damage, directory, "\(problem) \(transaction.producerID) in \(name)")
                }
            }
        }
        return ends
    }

    private func checkLog(_ directory: String, _ name: String) throws(BrokerError) -> LogCheck {
        summary.partitionCount += 1
        var log = LogCheck(directory, name, self)
        try log.run()
        for transaction in log.openTransactions {
            summary.openTransactions.append(
                "\(name): producer \(transaction.producerID) since offset"
                    + " \(transaction.firstOffset)"
            )
        }
        return log
    }

    /// Notes a finding.
    func found(
        _ severity: Finding.Severity,
        _ path: String,
        at position: Int? = nil,
        _ problem: String
    ) {
        if severity == .damage { summary.damageCount += 1 }
        report(Finding(severity: severity, path: path, position: position, problem: problem))
    }

    /// What is wrong where only a crash explains it.
    var afterCrash: Finding.Severity { summary.wasClosedCleanly ? .damage : .unfinished }
}

/// What lies around the logs.
extension DataCheck {
    /// Opens a copy of the metadata; nil if that cannot be read.
    private func openMetadata() throws(BrokerError) -> MetadataDatabase.Opened? {
        let file = path + "/meta.sqlite"
        guard FileSystem.byteCount(of: file) != nil else {
            found(.damage, file, "it is missing: nobody knows which topics there were")
            return nil
        }
        let files = FileManager.default
        let copy = files.temporaryDirectory.appendingPathComponent("check-\(UUID().uuidString)")
        defer { try? files.removeItem(at: copy) }
        do {
            try files.createDirectory(at: copy, withIntermediateDirectories: false)
            for ending in ["", "-wal"] where files.fileExists(atPath: file + ending) {
                try files.copyItem(
                    atPath: file + ending,
                    toPath: copy.path + "/meta.sqlite" + ending
                )
            }
        } catch {
            throw BrokerError(
                .storage,
                "\(file) cannot be copied to \(copy.path): \(error.localizedDescription)",
                remedy: "make room there, or set TMPDIR to another directory"
            )
        }
        do {
            // Before anything is made of the rows: what SQLite finds sound has the right types.
            let queue = try DatabaseQueue(path: copy.path + "/meta.sqlite")
            let problems = try queue.write { rows in
                try String.fetchAll(rows, sql: "PRAGMA integrity_check")
                    .filter { $0 != "ok" }
                    + Row.fetchAll(rows, sql: "PRAGMA foreign_key_check").map { "\($0)" }
            }
            try queue.close()
            for problem in problems { found(.damage, file, problem) }
            return problems.isEmpty ? try MetadataDatabase.open(directory: copy) : nil
        } catch {
            found(.damage, file, "it cannot be opened: \(error)")
            return nil
        }
    }

    /// Reads rows; nil if they are not what a broker writes.
    private func read<Value>(
        _ what: String,
        of metadata: MetadataDatabase.Opened,
        _ body: (Database) throws -> Value
    ) -> Value? {
        do throws(BrokerError) {
            return try MetadataDatabase.read(what, of: metadata.database, body)
        } catch {
            found(.damage, path + "/meta.sqlite", error.message)
            return nil
        }
    }

    /// The partitions in which producers may have a transaction open.
    private func openTransactions(
        _ metadata: MetadataDatabase.Opened
    ) -> [Int64: Set<PartitionID>] {
        let stored = read("the transactions", of: metadata, MetadataDatabase.transactions) ?? []
        let open = stored.filter { $0.phase == .ongoing || $0.phase.isPrepared }
        return Dictionary(open.map { ($0.producer.id, $0.partitions) }) { $0.union($1) }
    }

    /// Looks for logs that no topic has.
    private func checkStrangers(_ image: MetadataImage) throws(BrokerError) {
        var counts: [String: Int32] = [:]
        for topic in image.topics.values {
            counts[PartitionID.directoryName(topic.id)] = topic.partitionCount
        }
        let deleted = Set(image.deletedTopicIDs.map { PartitionID.directoryName($0) })
        for name in try FileSystem.names(in: path + "/t") {
            let directory = path + "/t/" + name
            if deleted.contains(name) || name.hasSuffix(LogDirectory.deletedEnding) {
                found(.unfinished, directory, "its topic was deleted: the next start removes it")
            } else if let count = counts[name] {
                for index in try FileSystem.names(in: directory)
                where !(Int32(index).map { (0..<count).contains($0) } ?? false) {
                    found(.damage, directory + "/" + index, "the topic has no such partition")
                }
            } else {
                found(.damage, directory, "the metadata has no such topic")
            }
        }
    }

    /// Looks for groups that are further than the log.
    private func checkOffsets(_ metadata: MetadataDatabase.Opened, _ ends: [String: Int64]) {
        let groups = read("the groups", of: metadata, MetadataDatabase.groups) ?? []
        for group in groups.sorted(by: { $0.id < $1.id }) {
            let offsets = group.offsets.map { key, offset in
                let topic = metadata.image.topics[key.topicID]
                return ("\(topic?.name ?? "?")-\(key.partition)", offset.offset)
            }
            for (name, offset) in offsets.sorted(by: <) {
                guard let end = ends[name], offset > end else { continue }
                let problem = "group \(group.id) has committed offset \(offset) of \(name)"
                found(.notice, path + "/meta.sqlite", "\(problem), which ends at \(end)")
            }
        }
    }

    /// Tells what earlier starts put aside.
    private func listQuarantine() throws(BrokerError) {
        let quarantine = path + "/quarantine"
        for name in try FileSystem.names(in: quarantine) {
            let directory = quarantine + "/" + name
            let bytes = try FileSystem.names(in: directory)
                .reduce(0) { $0 + (FileSystem.byteCount(of: directory + "/" + $1) ?? 0) }
            found(.notice, directory, "\(bytes) bytes that an earlier start found damaged")
        }
    }
}
