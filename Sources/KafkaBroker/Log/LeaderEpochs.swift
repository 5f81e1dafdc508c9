/// Which epochs wrote which part of a log: each epoch that wrote something, and its first offset.
struct LeaderEpochs: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var epoch: Int32
        var startOffset: Int64
    }

    private(set) var entries: [Entry] = []

    /// No epoch has written anything.
    init() {}

    /// Epochs as they were stored, in ascending order.
    init(_ entries: [Entry]) { self.entries = entries }

    /// Notes that an epoch has written a batch that begins at an offset.
    mutating func add(_ epoch: Int32, at offset: Int64) {
        if let last = entries.last, last.epoch >= epoch { return }
        entries.append(Entry(epoch: epoch, startOffset: offset))
    }

    /// Forgets what lies at or after an offset.
    mutating func truncate(at offset: Int64) {
        while let last = entries.last, last.startOffset >= offset { entries.removeLast() }
    }

    /// Forgets epochs all of whose batches lie before the first offset of the log.
    mutating func advance(logStart: Int64) {
        while entries.count > 1, entries[1].startOffset <= logStart { entries.removeFirst() }
        if let first = entries.first, first.startOffset < logStart {
            entries[0].startOffset = logStart
        }
    }

    /// Where an epoch ends (KIP-101, KIP-279), for a client that read something of that epoch.
    ///
    /// - Parameters:
    ///   - epoch: The epoch asked for.
    ///   - current: The epoch in which the log is written now, perhaps without data yet.
    ///   - endOffset: Where the log ends.
    /// - Returns: The greatest epoch up to the one asked for and its end; -1 and -1 if it is from
    ///   the future; the first known start if it is older than all known.
    func end(of epoch: Int32, current: Int32, endOffset: Int64) -> EpochEnd {
        if epoch > current { return EpochEnd(epoch: -1, endOffset: -1) }
        if epoch == current { return EpochEnd(epoch: current, endOffset: endOffset) }
        guard let index = entries.lastIndex(where: { $0.epoch <= epoch }) else {
            return EpochEnd(epoch: epoch, endOffset: entries.first?.startOffset ?? endOffset)
        }
        let next = index + 1
        let end = next < entries.count ? entries[next].startOffset : endOffset
        return EpochEnd(epoch: entries[index].epoch, endOffset: end)
    }
}
