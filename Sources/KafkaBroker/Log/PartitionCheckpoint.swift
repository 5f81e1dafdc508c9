import KafkaWire
import Synchronization

/// What a log must know before it reads its segments, in the file `checkpoint` of its directory.
///
/// Everything before the recovery point is on stable storage: an unclean start checks only what
/// comes after. There is no "clean" flag to go wrong: after a clean stop the recovery point is the
/// end of the log. A missing or damaged checkpoint means that everything is checked.
struct PartitionCheckpoint: Sendable, Equatable {
    /// The first offset that can be read.
    var logStart: Int64 = 0
    /// The offset of the recovery point.
    var recoveryOffset: Int64 = 0
    /// The base offset of the segment that the recovery point lies in.
    var recoverySegment: Int64 = 0
    /// Where in that segment it lies.
    var recoveryPosition: Int = 0
    /// The epochs that wrote the log so far.
    var epochs = LeaderEpochs()

    static let fileName = "checkpoint"

    /// The bytes of the file.
    func encoded() -> [UInt8] {
        SealedFile.seal("FCHK") { writer in
            writer.integer(logStart)
            writer.integer(recoveryOffset)
            writer.integer(recoverySegment)
            writer.integer(Int64(recoveryPosition))
            for entry in epochs.entries {
                writer.integer(entry.epoch)
                writer.integer(entry.startOffset)
            }
        }
    }

    init() {}

    /// Reads a file; nil if it is damaged.
    init?(_ bytes: [UInt8]) {
        let read = SealedFile.open("FCHK", bytes) { reader throws(WireError) in
            var value = PartitionCheckpoint()
            value.logStart = try reader.integer()
            value.recoveryOffset = try reader.integer()
            value.recoverySegment = try reader.integer()
            value.recoveryPosition = Int(try reader.integer(as: Int64.self))
            var entries: [LeaderEpochs.Entry] = []
            while reader.remaining > 0 {
                entries.append(
                    .init(epoch: try reader.integer(), startOffset: try reader.integer())
                )
            }
            value.epochs = LeaderEpochs(entries)
            return value
        }
        guard let read else { return nil }
        self = read
    }
}

/// Writes the checkpoints of one log, the newest last, whichever thread comes first.
final class CheckpointWriter: Sendable {
    private let path: String
    // Held while writing: only threads that may wait for the disk come here.
    private let lastWritten = Mutex(0)

    init(directory: String) { path = directory + "/" + PartitionCheckpoint.fileName }

    /// Brings a checkpoint to stable storage, unless a newer one is there already.
    func write(_ checkpoint: PartitionCheckpoint, version: Int) throws(BrokerError) {
        let failure = lastWritten.withLock { last -> BrokerError? in
            guard version > last else { return nil }
            do throws(BrokerError) {
                try FileSystem.write(checkpoint.encoded(), to: path, isDurable: true)
                last = version
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
