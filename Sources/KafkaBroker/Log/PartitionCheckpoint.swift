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
    /// Where it lies in its segment, the last one that begins at or before it.
    var recoveryPosition: Int64 = 0
    /// The epochs that wrote the log so far.
    var epochs = LeaderEpochs()

    static let fileName = "checkpoint"

    init() {}

    /// The bytes of the file.
    func encoded() -> [UInt8] {
        let entries = epochs.entries.flatMap { [Int64($0.epoch), $0.startOffset] }
        return SealedFile.seal("FCH2", [logStart, recoveryOffset, recoveryPosition] + entries)
    }

    /// Reads a file; nil if it is damaged.
    init?(_ bytes: [UInt8]) {
        guard var numbers = SealedFile.open("FCH2", bytes) else { return nil }
        logStart = numbers.next()
        recoveryOffset = numbers.next()
        recoveryPosition = numbers.next()
        var entries: [LeaderEpochs.Entry] = []
        while !numbers.isAtEnd {
            entries.append(
                .init(epoch: Int32(clamping: numbers.next()), startOffset: numbers.next())
            )
        }
        epochs = LeaderEpochs(entries)
    }
}
