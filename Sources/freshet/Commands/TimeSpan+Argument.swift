public import ArgumentParser
public import Learning

extension TimeSpan: ExpressibleByArgument {
    /// Reads `30s`.
    public init?(argument: String) { self.init(settingText: argument) }
    /// Shows it in the same way.
    public var defaultValueDescription: String { settingText }
}
