/// A name, such as `champion`, that points at one version of a model.
public struct ModelAlias: Hashable, Sendable {
    /// The alias.
    public let name: String
    /// The number of the version it points at.
    public let version: Int64
}

/// One move of an alias, for the audit.
public struct ModelAliasMove: Hashable, Sendable {
    /// The alias.
    public let alias: String
    /// Where it pointed before; nil when it was new.
    public let previous: Int64?
    /// Where it points from then on.
    public let version: Int64
    /// Why it was moved.
    public let reason: String
    /// When, in milliseconds since 1970.
    public let at: Int64
}
