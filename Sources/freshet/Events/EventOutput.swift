/// Where events are written.
///
/// Owned by one thread.
protocol EventOutput: AnyObject {
    /// What it is called in messages: `topic "interactions"` or a file's name.
    var name: String { get }

    /// Takes an event.
    ///
    /// May block while the bounded queue behind it is full.
    func write(_ interaction: Interaction) throws

    /// Lets what has been written so far become visible, without waiting for it.
    func hurry() throws

    /// Waits until every event is where it belongs; throws when one is not.
    func finish() throws
}

/// Writes events as JSON lines to a file or to standard output.
final class LinesOutput: EventOutput {
    let name: String
    private let writer: LineWriter
    private var encoder = InteractionEncoder()

    /// Opens a file, or standard output for `-`.
    init(path: String) throws(CommandFailure) {
        name = path == "-" ? "standard output" : path
        writer = path == "-" ? .standardOutput() : try .file(path)
    }

    func write(_ interaction: Interaction) throws {
        encoder.encode(interaction)
        try writer.line(encoder.bytes)
    }

    func hurry() throws { try writer.flush() }

    func finish() throws { try writer.flush() }
}
