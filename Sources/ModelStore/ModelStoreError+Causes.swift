import Foundation
import GRDB

extension ModelStoreError {
    /// What the operating system reported in `code` (`errno`) while doing `action` on `path`.
    static func system(_ code: Int32, _ action: String, _ path: String) -> ModelStoreError {
        let message = "cannot \(action) \(path): \(String(cString: strerror(code)))"
        return switch code {
        case EACCES, EPERM, EROFS, ENOTDIR, EEXIST:
            ModelStoreError(.notWritable, message, remedy: notWritableRemedy)
        case ENOSPC, EDQUOT, EFBIG:
            ModelStoreError(.full, message, remedy: fullRemedy)
        case ENOENT:
            ModelStoreError(.missing, message, remedy: missingRemedy)
        default:
            ModelStoreError(.other, message, remedy: "see the operating system's log")
        }
    }

    /// What GRDB or our own code threw while a store in `directory` was being read or written.
    static func wrapping(_ error: any Error, _ directory: String) -> ModelStoreError {
        switch error {
        case let error as ModelStoreError:
            return error
        case let error as DatabaseError:
            return sqlite(error, directory)
        default:
            return ModelStoreError(
                .damaged,
                "model store \(directory): \(error)",
                remedy: damagedRemedy
            )
        }
    }

    /// The kinds of https://www.sqlite.org/rescode.html that an operator can do something about.
    private static func sqlite(_ error: DatabaseError, _ directory: String) -> ModelStoreError {
        let message = "model store \(directory): \(error.description)"
        return switch error.resultCode {
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            ModelStoreError(.notWritable, message, remedy: notWritableRemedy)
        case .SQLITE_FULL:
            ModelStoreError(.full, message, remedy: fullRemedy)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            ModelStoreError(.damaged, message, remedy: damagedRemedy)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            ModelStoreError(
                .other,
                message,
                remedy: "another process holds the store for long; look for a stopped or hung one"
            )
        default:
            ModelStoreError(.other, message, remedy: "see the message and the disk's health")
        }
    }

    private static let notWritableRemedy =
        "give this user write access to it, or name another store directory"
    private static let fullRemedy =
        "free space on that disk, or name a store directory on another one"
    private static let missingRemedy = "restore it from a copy, or name the right directory"
    private static let damagedRemedy =
        "restore the store from a copy, or start an empty one and replay the topics"
}
