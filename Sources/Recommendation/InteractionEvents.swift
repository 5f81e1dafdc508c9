public import Learning

/// Decoded interactions of one batch, in columns; ids lie in one arena.
public struct InteractionEvents: EventColumns {
    /// The longest id, in bytes of UTF-8.
    public static let maximumIDLength = 512

    /// One interaction without its timestamp.
    ///
    /// The item's bytes follow the user's in the arena.
    struct Interaction {
        var start: Int
        var userLength: Int32
        var itemLength: Int32
        var userHash: UInt64
        var itemHash: UInt64
        var offset: Int64
        var partition: Int32
        /// The rating; 1 where the event has none.
        var value: Float
    }

    /// When each event happened, in milliseconds since 1970.
    public private(set) var timestamps: [Int64] = []
    var interactions: [Interaction] = []
    private var identities: [EventIdentity] = []
    private var arena: [UInt8] = []

    /// No events.
    public init() {}

    /// Number of events.
    public var count: Int { interactions.count }

    mutating func removeAll() {
        timestamps.removeAll(keepingCapacity: true)
        interactions.removeAll(keepingCapacity: true)
        identities.removeAll(keepingCapacity: true)
        arena.removeAll(keepingCapacity: true)
    }

    mutating func append(
        user: UnsafeRawBufferPointer,
        item: UnsafeRawBufferPointer,
        value: Float,
        timestamp: Int64,
        identity: EventIdentity,
        of event: EncodedEvent,
        hashSeed: UInt64
    ) {
        interactions.append(
            Interaction(
                start: arena.count,
                userLength: Int32(user.count),
                itemLength: Int32(item.count),
                userHash: IDTable.hash(user, hashSeed: hashSeed),
                itemHash: IDTable.hash(item, hashSeed: hashSeed),
                offset: event.offset,
                partition: event.partition,
                value: value
            )
        )
        timestamps.append(timestamp)
        identities.append(identity)
        arena.append(contentsOf: user)
        arena.append(contentsOf: item)
    }

    /// What stands for the event's `id`; nil when it has none.
    public func identity(at index: Int) -> EventIdentity? {
        identities[index] == .none ? nil : identities[index]
    }

    /// Calls `body` with the bytes of the event's user, as the learner knows it.
    public func withSubject<Result>(
        at index: Int,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let event = interactions[index]
        return arena.withUnsafeBytes { arena in
            body(
                UnsafeRawBufferPointer(
                    rebasing: arena[event.start...].prefix(Int(event.userLength))
                )
            )
        }
    }

    /// Leaves out the events for which `isKept`, called in their order, says false.
    public mutating func keep(where isKept: (Int) -> Bool) {
        var count = 0
        for index in interactions.indices where isKept(index) {
            interactions[count] = interactions[index]
            timestamps[count] = timestamps[index]
            identities[count] = identities[index]
            count += 1
        }
        interactions.removeLast(interactions.count - count)
        timestamps.removeLast(timestamps.count - count)
        identities.removeLast(identities.count - count)
    }

    /// Calls `body` with the interactions and the arena their ids lie in.
    func withColumns<Result>(
        _ body: (UnsafeBufferPointer<Interaction>, UnsafeRawPointer) -> Result
    ) -> Result? {
        arena.withUnsafeBytes { arena in
            guard let base = arena.baseAddress else { return nil }
            return interactions.withUnsafeBufferPointer { body($0, base) }
        }
    }

    /// The user of an event, as text.
    public func user(at index: Int) -> String {
        let event = interactions[index]
        return text(event.start, event.userLength)
    }

    /// The item of an event, as text.
    public func item(at index: Int) -> String {
        let event = interactions[index]
        return text(event.start + Int(event.userLength), event.itemLength)
    }

    /// The value of an event; 1 where it has none.
    public func value(at index: Int) -> Float { interactions[index].value }

    private func text(_ start: Int, _ length: Int32) -> String {
        String(decoding: arena[start..<(start + Int(length))], as: UTF8.self)
    }
}

extension InteractionEvents.Interaction {
    func user(in arena: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: arena + start, count: Int(userLength))
    }

    func item(in arena: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: arena + start + Int(userLength), count: Int(itemLength))
    }
}
