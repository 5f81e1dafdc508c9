/// A number of bytes as it is written in the configuration: `64MiB`, `1.5GiB`, `1048588B`.
public struct ByteSize: SettingText, Sendable, Equatable {
    /// What the text must be.
    public static let expectation = "a size such as 512B, 64KiB, 128MiB, 2GiB or 10MB"

    /// Units, largest first, in bytes.
    ///
    /// Sizes are printed in the binary ones.
    private static let units: [(name: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000),
        ("KB", 1000),
    ]

    /// The number of bytes; never negative.
    public var bytes: Int64

    /// A size given in the program; a negative one counts as none.
    public init(bytes: Int64) { self.bytes = max(bytes, 0) }

    /// A size given in the program.
    public init(mebibytes: Int64) { self.init(bytes: mebibytes << 20) }

    /// Reads a number and its unit; nil when it is none.
    public init?(settingText: String) {
        guard let (whole, fraction, unit) = splitQuantity(settingText) else { return nil }
        let name = unit.isEmpty && settingText == "0" ? "B" : String(unit)
        guard let scale = Self.units.first(where: { $0.name == name })?.bytes,
            let bytes = scaledQuantity(whole, fraction, by: scale)
        else { return nil }
        self.bytes = bytes
    }

    /// The number in the largest unit that divides it.
    public var settingText: String {
        for unit in Self.units where bytes > 0 && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "0B"
    }
}
