/// How an update relates to the last one that was applied.
enum UpdateOrder {
    /// It follows it.
    case next
    /// It is that one, or an older one.
    case duplicate
    /// It has the number of that one and is another.
    case rival
    /// Updates between them are missing.
    case gap
    /// It has the next number, and follows another update than that one.
    case wrongPredecessor
    /// It is the trainer's that took over.
    case takeover

    /// Compares an update of the same or a later epoch with the last one applied.
    init(_ update: ModelUpdate, after epoch: Int64, _ sequence: Int64, _ hash: String) {
        let identity = update.identity
        self =
            if identity.epoch != epoch {
                .takeover
            } else if identity.sequence == sequence, update.hash != hash {
                .rival
            } else if identity.sequence <= sequence {
                .duplicate
            } else if identity.sequence - sequence > 1 {
                .gap
            } else if identity.previous != hash {
                .wrongPredecessor
            } else {
                .next
            }
    }
}
