import Foundation
import Synchronization

/// A place at which the broker kills itself, so that a test can look at what a crash there leaves.
///
/// Without a setting, which is how every broker runs outside of tests, nothing happens.
final class FaultPoint: Sendable {
    /// The places there are.
    enum Place: String, CaseIterable {
        /// The outcome of a transaction is durable, none of its markers is written.
        case afterPrepare
        /// At least one marker is durable, and at least one is not written.
        case betweenMarkers
        /// All markers are durable, and the transaction's offsets are not committed or dropped.
        case beforeComplete
    }

    private let place: Place?
    private let remaining: Atomic<Int>

    /// Reads a setting: `place`, or `place:count` to die when it is reached for the count-th time.
    init(_ setting: String?) throws(BrokerError) {
        let parts = (setting ?? "").split(separator: ":", omittingEmptySubsequences: false)
        place = parts.first.flatMap { Place(rawValue: String($0)) }
        let count = parts.count == 2 ? Int(parts[1]) : 1
        guard setting == nil || place != nil, let count, count > 0, parts.count <= 2 else {
            throw BrokerError(
                .configuration,
                "\"\(setting ?? "")\" is not a fault point",
                remedy: "use one of \(Place.allCases), \":\" and a count"
            )
        }
        remaining = Atomic(count)
    }

    /// Whether the broker is to die at this place.
    func isSet(_ place: Place) -> Bool { place == self.place }

    /// Kills this process if it is to die here, now.
    func reach(_ place: Place) {
        guard isSet(place), remaining.subtract(1, ordering: .relaxed).newValue == 0 else { return }
        kill(getpid(), SIGKILL)
    }
}

extension Broker {
    /// The variable from which `freshet broker` takes `BrokerSettings.faultPoint`.
    package static var faultVariable: String { "FRESHET_BROKER_FAULT" }

    /// The places at which a broker can be made to kill itself.
    package static var faultPoints: [String] { FaultPoint.Place.allCases.map(\.rawValue) }
}
