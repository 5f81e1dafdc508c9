/// Something that an operator did to a model, for the audit.
public struct OperatorAction: Codable, Hashable, Sendable {
    /// What was done.
    public enum Kind: String, Codable, Sendable {
        /// An alias was pointed at a version.
        case promote
        /// An alias was pointed at what it pointed at before.
        case revert
        /// The model went back to a version, and learns on from there.
        case rollback
        /// The model was built anew, and learns on from that version.
        case rebuild
    }

    /// Its number, unique in the store and growing.
    public let id: Int64
    /// What was done.
    public let kind: Kind
    /// The version that it was done with.
    public let version: Int64
    /// The alias that was moved, if one was.
    public let alias: String?
    /// The version that the alias or the model left; nil when there was none.
    public let previous: Int64?
    /// The branch that was begun, if one was.
    public let branch: Int64?
    /// The epoch that was taken, if one was: a running trainer recovers again.
    public let epoch: Int64?
    /// Why it was done.
    public let reason: String
    /// When, in milliseconds since 1970.
    public let at: Int64
}

/// Who took a model's newest epoch.
public enum EpochTaker: Hashable, Sendable {
    /// A trainer that started: an older one has to stop.
    case trainer
    /// An operator: the running trainer recovers again, and goes on.
    case `operator`(OperatorAction)
}
