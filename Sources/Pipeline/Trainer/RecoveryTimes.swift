/// How long a trainer took from its start until it learned, step by step.
public struct RecoveryTimes: Sendable, Equatable {
    /// What comes before learning, in this order.
    public enum Step: String, Sendable, CaseIterable {
        /// Reading the configuration, and asking the broker for the topics.
        case topics
        /// Opening the model store.
        case store
        /// Looking for the model's last update, and taking the next epoch.
        case updates
        /// Loading the newest version's files.
        case loading
        /// Waiting until they are hashed, which is done meanwhile.
        case hashes
        /// Learning again what the journal holds after them.
        case replay
        /// Asking for the ends of the inputs.
        case positions
        /// Writing the epoch's first version.
        case version
    }

    /// The steps that are over, in order.
    public private(set) var steps: [(step: Step, duration: Duration)] = []
    /// From the start until the first event from the log was learned; nil while none was.
    public private(set) var firstEvent: Duration?
    /// From the start until the first changes were committed to `model-updates`.
    public private(set) var firstUpdate: Duration?
    private let start: ContinuousClock.Instant
    private var stepStart: ContinuousClock.Instant

    /// Begins now.
    public init() {
        start = .now
        stepStart = start
    }

    /// From the start until the last step was over.
    public var total: Duration { stepStart - start }

    /// What took since the last step was over was this one.
    public mutating func finish(_ step: Step) {
        let now = ContinuousClock.now
        steps.append((step, now - stepStart))
        stepStart = now
    }

    mutating func learnedFirstEvent() { firstEvent = .now - start }

    mutating func sentFirstUpdate() { firstUpdate = .now - start }

    /// The steps, for the log.
    public var text: String {
        let parts = steps.map { "\($0.step.rawValue) \(Self.milliseconds($0.duration)) ms" }
        return "\(Self.milliseconds(total)) ms (\(parts.joined(separator: ", ")))"
    }

    /// When the first event was learned and the first update sent, for the log.
    var firstText: String {
        func text(_ duration: Duration?) -> String {
            duration.map { "\(Self.milliseconds($0)) ms" } ?? "-"
        }
        return "the first event was learned \(text(firstEvent)) after the start, the first update "
            + "sent after \(text(firstUpdate))"
    }

    /// Whole milliseconds, rounded.
    static func milliseconds(_ duration: Duration) -> Int {
        Int((duration / .milliseconds(1)).rounded())
    }

    /// Whether all was measured alike.
    public static func == (one: Self, other: Self) -> Bool {
        one.start == other.start && one.stepStart == other.stepStart
            && one.firstEvent == other.firstEvent && one.firstUpdate == other.firstUpdate
            && one.steps.elementsEqual(other.steps, by: ==)
    }
}
