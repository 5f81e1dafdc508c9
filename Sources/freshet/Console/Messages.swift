import Foundation

/// What is told to the person at standard error, beside results on standard output.
enum Messages {
    /// Whether a person looks at standard error.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a line `freshet: …` to standard error.
    static func note(_ text: String) { write("freshet: \(text)\n") }

    /// Writes text as it is.
    ///
    /// What cannot be written there is lost: there is no other place.
    static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
