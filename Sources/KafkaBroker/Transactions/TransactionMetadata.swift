import KafkaWire

/// A producer as it names itself in its requests: the epoch tells it from those before it.
struct ProducerIdentity: Sendable, Equatable, Codable {
    var id: Int64
    var epoch: Int16

    /// Nobody yet.
    static let none = ProducerIdentity(id: -1, epoch: -1)
}

/// What is stored of a transactional id: whose it is, and what its transaction consists of.
struct TransactionMetadata: Sendable, Equatable, Codable {
    /// How far the transaction has come; the text is what clients are shown.
    enum Phase: String, Sendable, Codable {
        /// The producer has begun nothing yet.
        case empty = "Empty"
        case ongoing = "Ongoing"
        /// Decided; not every partition has its marker yet.
        case prepareCommit = "PrepareCommit"
        case prepareAbort = "PrepareAbort"
        /// Over, until the producer begins the next.
        case completeCommit = "CompleteCommit"
        case completeAbort = "CompleteAbort"

        /// Whether the outcome is decided but not carried out.
        var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }
        /// Whether the outcome is carried out.
        var isComplete: Bool { self == .completeCommit || self == .completeAbort }
        /// Whether the outcome is, or will be, a commit.
        var isCommit: Bool { self == .prepareCommit || self == .completeCommit }
    }

    let transactionalID: String
    /// The producer that may use the transactional id.
    var producer = ProducerIdentity.none
    /// The producer id before the last InitProducerId; -1 if there was none.
    var previousProducerID: Int64 = -1
    /// The epoch with which the producer asked for its present one; -1 if it did not name any.
    var lastEpoch: Int16 = -1
    /// How long a transaction may take, in milliseconds.
    var timeout: Int32 = 0
    var phase = Phase.empty
    var partitions: Set<PartitionID> = []
    /// The groups whose offsets are part of the transaction.
    var groups: Set<String> = []
    /// When the transaction began, in milliseconds since 1970; nil unless there is one.
    var startDate: Int64?
    /// When anything of this last changed, in milliseconds since 1970.
    var lastUpdate: Int64

    private enum CodingKeys: String, CodingKey {
        case transactionalID = "id"
        case previousProducerID = "previous_producer_id"
        case lastEpoch = "last_epoch"
        case startDate = "started"
        case lastUpdate = "updated"
        case phase = "state"
        case producer, timeout, partitions, groups
    }

    /// Whether nobody can be fenced any more by counting the epoch up, except the present producer.
    var isEpochExhausted: Bool { producer.epoch >= Int16.max - 1 }

    /// Whether what is open in a partition is a part of this, which will end it there.
    ///
    /// A decided transaction may have a greater epoch than its records, to fence their producer.
    func includes(_ open: OpenTransaction) -> Bool {
        guard producer.id == open.producer.id, partitions.contains(open.partition) else {
            return false
        }
        return phase.isPrepared || phase == .ongoing && producer.epoch == open.producer.epoch
    }

    /// Drops the partitions of a deleted topic.
    mutating func forgetTopic(_ id: UUID16) { partitions = partitions.filter { $0.topic != id } }
}
