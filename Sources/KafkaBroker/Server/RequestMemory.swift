import Synchronization

/// How many bytes requests under way, or answers under way, take in the whole broker.
///
/// A connection reserves the size of a large request before it reads the request's body, so a
/// request that has its reservation can always be completed. A small one is counted but never
/// refused, so that it need not wait for large ones.
final class RequestMemory: Sendable {
    /// The size up to which nothing is refused: beyond the limit, 1000 connections hold 128 MB at
    /// most, one request under way and one that has arrived each.
    static let freeSize = 64 << 10

    private let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// How many bytes there is room for.
    var available: Int { max(0, limit - used.load(ordering: .relaxed)) }

    /// Reserves the memory of a request; false if there is too little at the moment.
    func reserve(_ size: Int) -> Bool {
        let (_, now) = used.add(size, ordering: .relaxed)
        if now <= limit || size <= Self.freeSize { return true }
        used.subtract(size, ordering: .relaxed)
        return false
    }

    /// Counts what is in memory already, whether or not there is room.
    func reserveRegardless(_ size: Int) { used.add(size, ordering: .relaxed) }

    /// Gives back what was counted for something of the same size.
    func release(_ size: Int) { used.subtract(size, ordering: .relaxed) }
}
