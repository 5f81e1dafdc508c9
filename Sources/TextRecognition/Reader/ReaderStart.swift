public import Learning

/// What the weights of a reader begin as.
public enum ReaderStart: Equatable, Sendable {
    /// Drawn from the seed.
    case random
    /// The model in a safetensors file.
    case file(path: String)
}

extension ReaderStart: SettingText {
    /// `random`, or a path.
    public init?(settingText: String) {
        guard !settingText.isEmpty else { return nil }
        self = settingText == "random" ? .random : .file(path: settingText)
    }

    /// As it is written in the configuration.
    public var settingText: String {
        switch self {
        case .random: "random"
        case .file(let path): path
        }
    }

    /// What is expected of it.
    public static var expectation: String { "random, or the path of a safetensors file" }
}

extension ReaderSettings {
    /// A trainer of the first weights.
    func startingTrainer() throws(LearningError) -> LineTrainer {
        switch start {
        case .random:
            try LineTrainer(settings: network, optimizer: optimizer, headRate: Float(headRate))
        case .file(let path):
            try trainer(in: try SafetensorsFile(path: path))
        }
    }

    /// The trainer in a state.
    func trainer(in state: any TensorSource) throws(LearningError) -> LineTrainer {
        try LineTrainer(
            settings: network,
            optimizer: optimizer,
            headRate: Float(headRate),
            state: state
        )
    }
}

extension ReaderSettings {
    /// Where synthetic lines of the old domain come from; nil when none are wanted.
    func baseLines() throws(LearningError) -> LineGenerator? {
        guard replay.baseLinesPerStep > 0 else { return nil }
        do throws(TextRecognitionError) {
            return try LineGenerator(scenario: .base, seed: seed ^ 0x7265_6865_6172_7365)
        } catch {
            throw LearningError(
                .setting,
                "replay.baseLinesPerStep is \(replay.baseLinesPerStep), and \(error.message)",
                remedy: error.remedy
            )
        }
    }
}
