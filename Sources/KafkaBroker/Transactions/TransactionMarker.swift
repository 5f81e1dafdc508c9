/// How a producer's transaction ends in a partition.
struct TransactionMarker: Sendable {
    var producerID: Int64
    var producerEpoch: Int16
    var isCommit: Bool
    var coordinatorEpoch: Int32
}
