import Foundation
import Synchronization

/// A place at which the process kills itself, so that a test can look at what a crash there leaves.
///
/// Without the variable `FRESHET_STORE_FAULT`, which is how every store is used outside of tests,
/// nothing happens.
final class FaultPoint: Sendable {
    /// The places there are, in the order in which a version is written and another one pruned.
    enum Place: String, CaseIterable {
        /// A file was created, for a version or to spool changes, and holds nothing yet.
        case beforeWrite
        /// All bytes were handed to the operating system.
        case afterWrite
        /// All bytes are on the disk, under the temporary name.
        case afterSync
        /// The file has its name, which may not be on the disk yet.
        case afterRename
        /// A transaction has done all its work, and is not committed.
        case beforeCommit
        /// A transaction is durable, and its caller does not know it.
        case afterCommit
        /// An unreferenced file is about to be deleted.
        case beforeDelete
        /// An unreferenced file has been deleted, others may follow.
        case afterDelete
    }

    static let variable = "FRESHET_STORE_FAULT"

    private let place: Place?
    private let remaining: Atomic<Int>

    /// Reads a setting: `place`, or `place:count` to die when it is reached for the count-th time.
    init(_ setting: String?) throws(ModelStoreError) {
        let parts = (setting ?? "").split(separator: ":", omittingEmptySubsequences: false)
        place = parts.first.flatMap { Place(rawValue: String($0)) }
        let count = parts.count == 2 ? Int(parts[1]) : 1
        guard setting == nil || place != nil, let count, count > 0, parts.count <= 2 else {
            throw ModelStoreError(
                .invalid,
                "\(Self.variable)=\"\(setting ?? "")\" is not a fault point",
                remedy:
                    "use one of \(Place.allCases.map(\.rawValue)), \":\" and a count, or unset it"
            )
        }
        remaining = Atomic(count)
    }

    /// Kills this process if it is to die here, now.
    func reach(_ place: Place) {
        guard place == self.place, remaining.subtract(1, ordering: .relaxed).newValue == 0
        else { return }
        kill(getpid(), SIGKILL)
    }
}

extension ModelStore {
    /// The variable that names a fault point: a place, ":" and a count.
    package static var faultVariable: String { FaultPoint.variable }

    /// The places at which a process that uses a store can be made to kill itself.
    package static var faultPoints: [String] { FaultPoint.Place.allCases.map(\.rawValue) }
}
