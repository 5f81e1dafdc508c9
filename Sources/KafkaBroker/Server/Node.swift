import Synchronization

/// How this broker presents itself to clients.
final class Node: Sendable {
    /// The number of the only node.
    let id: Int32 = 1
    let host: String
    let clusterID: String
    private let boundPort = Atomic<Int>(0)

    init(host: String, clusterID: String) {
        self.host = host
        self.clusterID = clusterID
    }

    /// The port that clients are to connect to; known before connections are accepted.
    var port: Int32 {
        get { Int32(truncatingIfNeeded: boundPort.load(ordering: .relaxed)) }
        set { boundPort.store(Int(newValue), ordering: .relaxed) }
    }
}
