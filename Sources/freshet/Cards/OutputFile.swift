import Foundation

/// A file that long work will write at its end: what can be known of it before.
enum OutputFile {
    /// Throws when a file cannot be written there: better now than after an hour.
    static func check(_ path: String) throws(CommandFailure) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard
            !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                || !isFolder.boolValue
        else {
            throw CommandFailure(
                .misuse,
                "--output \(path) is a directory",
                remedy: "name a file in it"
            )
        }
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw CommandFailure(
                .failure,
                "\(path) cannot be written: \(folder) is not there or not writable",
                remedy: "choose another file, make the directory, or correct the permissions"
            )
        }
    }
}
