import KafkaWire

/// TxnOffsetCommit: a transaction says how far a group has read; that counts once it is committed.
enum TxnOffsetCommit: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        let request = call.request
        // Before version 3 a producer knows nothing of its consumer: this is then -1.
        let generation = request.int32("generationId")
        let admission = registry.update(groupID, onlyRenews: true) { group, now in
            group.admitCommit(
                memberID: request.string("memberId"),
                instanceID: request.optionalString("groupInstanceId"),
                generation: generation,
                isTransactional: true,
                at: now
            )
        }
        let error = admission ?? (generation < 0 ? .none : .illegalGeneration)
        guard error == .none else { return refuse(call, error) }
        let transaction = OffsetTransaction(
            transactionalID: request.string("transactionalId"),
            producerID: request.int64("producerId"),
            producerEpoch: request.int16("producerEpoch")
        )
        OffsetCommit.store(call, registry, in: transaction)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        OffsetCommit.refusal(of: call, error)
    }
}
