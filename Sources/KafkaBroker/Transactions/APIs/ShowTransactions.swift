import KafkaWire

/// DescribeTransactions and ListTransactions: for finding transactions that hold readers up.
extension TransactionCoordinator {
    var describeTransactions: SchemaHandler {
        SchemaHandler(.describeTransactions) { [self] request, _, answer in
            let ids = request.strings("transactionalIds")
            let refusal = perform { registry in
                let states = ids.map { id in
                    self.state(
                        id,
                        registry.transaction(id),
                        else: id.isEmpty ? .invalidRequest : .transactionalIDNotFound
                    )
                }
                answer(["transactionStates": .list(states)])
            }
            guard let refusal else { return }
            answer(["transactionStates": .list(ids.map { state($0, nil, else: refusal) })])
        }
    }

    private func state(
        _ id: String,
        _ transaction: TransactionMetadata?,
        else error: ErrorCode
    ) -> Fields {
        guard let transaction else {
            return ["transactionalId": .string(id), "errorCode": .code(error)]
        }
        let topics = Dictionary(grouping: transaction.partitions, by: \.topic).compactMap {
            id,
            partitions -> Fields? in
            guard let topic = environment.store.topic(id: id) else { return nil }
            let indexes = partitions.map(\.index).sorted().map { WireValue.number($0) }
            return ["topic": .string(topic.name), "partitions": .array(indexes)]
        }
        return [
            "transactionalId": .string(id),
            "transactionState": .string(transaction.phase.rawValue),
            "transactionTimeoutMs": .int(Int64(transaction.timeout)),
            "transactionStartTimeMs": .int(transaction.startDate ?? -1),
            "producerId": .int(transaction.producer.id),
            "producerEpoch": .int(Int64(transaction.producer.epoch)),
            "topics": .list(topics),
        ]
    }

    var listTransactions: SchemaHandler {
        SchemaHandler(.listTransactions) { [self] request, _, answer in
            let names = request.strings("stateFilters")
            let phases = Set(names.compactMap(TransactionMetadata.Phase.init))
            let producerIDs = Set(request["producerIdFilters"]?.elements ?? [])
            let duration = request.int64("durationFilter")
            let unknown = names.filter { TransactionMetadata.Phase(rawValue: $0) == nil }
            let refusal = perform { [environment] registry in
                let date = environment.now()
                let states = registry.transactions.compactMap { transaction -> Fields? in
                    let age = transaction.startDate.map { date - $0 } ?? -1
                    let id = WireValue.int(transaction.producer.id)
                    guard names.isEmpty || phases.contains(transaction.phase),
                        producerIDs.isEmpty || producerIDs.contains(id),
                        duration < 0 || age > duration
                    else { return nil }
                    return [
                        "transactionalId": .string(transaction.transactionalID), "producerId": id,
                        "transactionState": .string(transaction.phase.rawValue),
                    ]
                }
                answer([
                    "unknownStateFilters": .array(unknown.map { .string($0) }),
                    "transactionStates": .list(states),
                ])
            }
            if let refusal { answer(["errorCode": .code(refusal)]) }
        }
    }
}

extension WireValue {
    /// The elements of a list; empty if it is something else.
    fileprivate var elements: [WireValue] {
        if case .array(let values) = self { values } else { [] }
    }
}
