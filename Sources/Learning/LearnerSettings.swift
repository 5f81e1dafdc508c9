import Foundation

/// What an operator can set of a learner; it also says which learner that is.
public protocol LearnerSettings: Codable, Equatable, Sendable {
    /// What kind of model it is, in one word: a configuration and every version name it.
    ///
    /// No field may be called `kind`.
    static var kind: String { get }

    /// Settings with their defaults.
    init()

    /// Throws unless every field is in range.
    ///
    /// The message begins with the first that is not, as Swift names it: `implicit.negatives`.
    func validate() throws(LearningError)

    /// The learner that is wanted, with these settings.
    var learner: any ConfiguredLearner { get }
}

/// A learner and its settings: what generic code is entered with once both are known.
public protocol ConfiguredLearner: Sendable {
    /// The learner.
    associatedtype Model: Learner
    /// Its settings.
    var settings: Model.Settings { get }
}

/// A learner and its settings.
public struct Configured<Model: Learner>: ConfiguredLearner {
    /// The settings.
    public let settings: Model.Settings

    /// Puts both together.
    public init(_ learner: Model.Type, _ settings: Model.Settings) { self.settings = settings }
}

// MARK: - In versions

extension LearnerSettings {
    /// What a version keeps of the settings: canonical JSON, with their kind.
    public var storedText: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data = try? encoder.encode(StoredSettings(settings: self))
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// The settings that a version keeps.
    ///
    /// Throws when they are of another kind, or cannot be read.
    public init(storedText: String) throws(LearningError) {
        try Self.checkKind(of: storedText)
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(storedText.utf8))
        } catch {
            throw LearningError(
                .setting,
                "the settings cannot be read (\(error))",
                remedy: "use the program version that wrote them"
            )
        }
    }

    /// Throws when the settings that a version keeps are of another kind.
    public static func checkKind(of storedText: String) throws(LearningError) {
        guard let kind = settingsKind(of: storedText), kind != Self.kind else { return }
        throw LearningError(
            .setting,
            "the model is a \(kind), not a \(Self.kind)",
            remedy: "set model.kind to \(kind), or model.name to another name"
        )
    }
}

/// The kind of the settings that a version keeps; nil in versions that are older than kinds.
public func settingsKind(of storedText: String) -> String? {
    struct Kind: Decodable { let kind: String? }
    return try? JSONDecoder().decode(Kind.self, from: Data(storedText.utf8)).kind
}

private struct StoredSettings<Settings: LearnerSettings>: Encodable {
    let settings: Settings

    private enum Key: CodingKey { case kind }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Settings.kind, forKey: .kind)
        try settings.encode(to: encoder)
    }
}
