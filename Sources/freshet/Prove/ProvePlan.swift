import KafkaBroker
import ModelStore

/// A process of a proof.
enum ProveRole: Hashable, Sendable, CustomStringConvertible {
    case broker
    case trainer
    case scorer(Int)

    /// The name of its log.
    var description: String {
        switch self {
        case .broker: "broker"
        case .trainer: "trainer"
        case .scorer(let index): "scorer-\(index)"
        }
    }
}

/// Which process is killed when: all that chance decides in a proof.
///
/// The same settings give the same plan. What a kill hits depends on the machine.
struct ProvePlan: Sendable, Equatable {
    /// What a plan is made for.
    struct Settings: Sendable, Equatable {
        /// How often a process is killed.
        var kills: Int
        /// Everything follows from it.
        var seed: UInt64
        /// How many scorers there are.
        var scorers: Int
        /// Whether the broker is ours to kill.
        var killsBroker: Bool
    }

    /// Something that happens to a process.
    enum Action: Sendable, Equatable {
        /// It is killed, and started again at once.
        case kill(ProveRole)
        /// It is killed and started to kill itself when it comes to a place for the count-th time;
        /// then it is started again.
        case fault(ProveRole, place: String, count: Int)
        /// It is stopped in its tracks, another takes its place, and then it goes on.
        case takeOver(ProveRole, pause: Duration)
        /// It is stopped in its tracks, and goes on.
        case hang(ProveRole, pause: Duration)

        /// How many kills it is.
        var kills: Int {
            switch self {
            case .kill: 1
            case .fault: 2
            case .takeOver, .hang: 0
            }
        }
    }

    /// An action and when it comes.
    struct Step: Sendable, Equatable {
        /// Whether the trainer must first have learned something since it was started last, so that
        /// not only recoveries are killed.
        var awaitsProgress: Bool
        /// How long to wait then.
        var wait: Duration
        var action: Action
    }

    let steps: [Step]

    /// Makes a plan.
    init(_ settings: Settings) {
        var dice = RandomSource(seed: settings.seed, purpose: 5)
        var steps: [Step] = []
        var left = settings.kills
        while left > 0 {
            let action = Self.action(settings, left: left, &dice)
            left -= action.kills
            steps.append(
                Step(
                    awaitsProgress: dice.index(4) == 0,
                    wait: Self.wait(&dice),
                    action: action
                )
            )
        }
        self.steps = steps
    }

    /// Mostly long enough for a process to be at work again, sometimes so short that the one before
    /// is still starting.
    private static func wait(_ dice: inout RandomSource) -> Duration {
        dice.index(4) == 0
            ? .milliseconds(dice.index(60)) : .milliseconds(60 + dice.index(640))
    }

    private static func action(
        _ settings: Settings,
        left: Int,
        _ dice: inout RandomSource
    ) -> Action {
        let role = role(settings, &dice)
        switch dice.index(100) {
        case 0..<12:
            guard left > 1, let (place, count) = fault(role, &dice) else { return .kill(role) }
            return .fault(role, place: place, count: count)
        case 12..<18:
            let pause = Duration.milliseconds(50 + dice.index(1950))
            return role == .broker
                ? .hang(role, pause: pause) : .takeOver(role, pause: pause)
        default:
            return .kill(role)
        }
    }

    /// The trainer most often: it is what changes the state.
    private static func role(_ settings: Settings, _ dice: inout RandomSource) -> ProveRole {
        let lot = dice.index(100)
        if settings.killsBroker, lot < 30 { return .broker }
        // What remains is 4 to 3.
        return dice.index(7) < 4 ? .trainer : .scorer(dice.index(settings.scorers))
    }

    /// Where a process is to kill itself; a scorer changes nothing that it could leave half done.
    private static func fault(
        _ role: ProveRole,
        _ dice: inout RandomSource
    ) -> (place: String, count: Int)? {
        switch role {
        case .broker:
            let places = Broker.faultPoints
            return (places[dice.index(places.count)], 1 + dice.index(4))
        case .trainer:
            let places = ModelStore.faultPoints
            let place = places[dice.index(places.count)]
            // Commits come with every publish, files with checkpoints.
            return (place, 1 + dice.index(place.hasSuffix("Commit") ? 40 : 4))
        case .scorer:
            return nil
        }
    }
}
