/// A name, such as `champion`, that points at one version of a model.
public struct ModelAlias: Hashable, Sendable {
    /// The alias.
    public let name: String
    /// The number of the version it points at.
    public let version: Int64
}
