import Synchronization

/// The events of a quickstart: a file, or the generator; after a file's end the generator goes on.
final class QuickstartEvents: Sendable {
    private struct State: Sendable {
        var file: EventFile?
        var index = 0
        var generator: InteractionGenerator
    }

    /// What the events are, for people.
    let origin: String
    /// How many belong to the history.
    let historyCount: Int
    /// Some users to ask for.
    let users: [String]
    private let state: Mutex<State>

    /// Opens the file, or prepares `historyCount` synthetic events, with ratings if so wanted.
    init(file path: String?, historyCount: Int, hasRatings: Bool) throws {
        let settings = GeneratorSettings(hasRatings: hasRatings)
        var generator = InteractionGenerator(settings)
        if let path {
            let file = try EventFile(
                try LineFile(path: path),
                options: ImportOptions(),
                order: .timestamp
            )
            guard file.badCount == 0, file.count > 0 else {
                throw CommandFailure(
                    .failure,
                    "\(path) has \(grouped(file.badCount)) lines that are no events",
                    remedy: "see them with \"freshet events import \(path)\""
                )
            }
            origin = "\(path), then synthetic ones"
            self.historyCount = file.count
            users = try (0..<min(50, file.count)).map {
                String(decoding: try file.event(at: file.count - 1 - $0).user, as: UTF8.self)
            }
            state = Mutex(State(file: file, generator: generator))
        } else {
            origin =
                "synthetic: \(settings.users) users, \(settings.items) items"
            self.historyCount = historyCount
            users = (0..<50).map { _ in String(decoding: generator.next().user, as: UTF8.self) }
            state = Mutex(State(generator: InteractionGenerator(settings)))
        }
    }

    /// The next event.
    func next() throws -> Interaction {
        try state.withLock { state in
            guard let file = state.file, state.index < file.count else {
                return state.generator.next()
            }
            state.index += 1
            return try file.event(at: state.index - 1)
        }
    }
}
