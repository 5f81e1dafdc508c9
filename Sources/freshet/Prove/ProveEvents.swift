import Streaming

/// The events of a proof: what a stream has, good and bad.
///
/// The n-th event is the same in every run of a seed. One in a hundred cannot be read; one in fifty
/// is a copy of an earlier one, with the same `id`.
struct ProveEvents {
    /// What an event is.
    enum Kind: Equatable {
        case new
        /// A copy of the event this many before.
        case copy(of: Int)
        /// Not JSON.
        case unreadable
    }

    private var generator: InteractionGenerator
    private var encoder = InteractionEncoder()
    /// The last events, for copies.
    private var recent: [Interaction] = []
    private let topic: String
    private static let copyDistance = 20

    init(topic: String, seed: UInt64) {
        self.topic = topic
        generator = InteractionGenerator(GeneratorSettings(users: 2000, items: 500, seed: seed))
    }

    /// What the event of a number is.
    static func kind(_ number: Int) -> Kind {
        if number % 100 == 99 { return .unreadable }
        return number % 50 == 30 ? .copy(of: number - copyDistance) : .new
    }

    /// The next event; numbers come in their order, from 0.
    mutating func next(_ number: Int) -> OutgoingRecord {
        var event = generator.next()
        event.id = Array("e\(number)".utf8)
        if case .copy = Self.kind(number) { event = recent[recent.count - Self.copyDistance] }
        recent.append(event)
        if recent.count > 2 * Self.copyDistance { recent.removeFirst(Self.copyDistance) }
        encoder.encode(event)
        return OutgoingRecord(
            topic: topic,
            key: event.user,
            value: Self.kind(number) == .unreadable ? Array("{\"user\":".utf8) : encoder.bytes,
            headers: [RecordHeader(name: ProveRecord.numberHeader, text: String(number))]
        )
    }
}

/// A record of a proof as it was found in a topic.
struct ProveRecord: Sendable, Equatable {
    /// The header that says which record it is.
    static let numberHeader = "number"

    /// Which it is; nil when it does not say.
    var number: Int?
    var partition: Int32
    var offset: Offset
}

/// Where a record was appended.
struct ProvePlace: Hashable, Sendable, CustomStringConvertible {
    var partition: Int32
    var offset: Offset

    var description: String { "\(partition):\(offset)" }
}
