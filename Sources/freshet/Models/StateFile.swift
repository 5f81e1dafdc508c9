import Foundation

/// Files with whole states, outside the store.
enum StateFile {
    /// Writes pieces as a file, which has its name only once it is complete.
    static func write(_ pieces: [[UInt8]], to path: String) throws(CommandFailure) {
        let partial = "\(path).part"
        do {
            try Data().write(to: URL(fileURLWithPath: partial))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: partial))
            for piece in pieces { try handle.write(contentsOf: Data(piece)) }
            try handle.synchronize()
            try handle.close()
            guard rename(partial, path) == 0 else {
                throw CocoaError(.fileWriteUnknown)
            }
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw CommandFailure(
                .failure,
                "\(path) cannot be written (\(error.localizedDescription))",
                remedy: "choose another file, make room, or correct the permissions"
            )
        }
    }
}
