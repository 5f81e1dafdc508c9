import KafkaWire

/// DescribeTransactions and ListTransactions: for finding transactions that hold readers up.
extension TransactionCoordinator {
    var describeTransactions: SchemaHandler {
        SchemaHandler(.describeTransactions) { [self] request, _, answer in
            let ids = request.strings("transactionalIds")
            perform { registry in
                let states = ids.map { id in
                    self.state(
                        id,
                        registry.transaction(id),
                        else: id.isEmpty ? .invalidRequest : .transactionalIDNotFound
                    )
                }
                answer(Self.response(states))
            } refused: { error in
                answer(Self.response(ids.map { state($0, nil, else: error) }))
            }
        }
    }

    private func state(
        _ id: String,
        _ transaction: TransactionMetadata?,
        else error: ErrorCode
    ) -> Fields {
        var fields: Fields = ["transactionalId": .string(id)]
        guard let transaction else {
            fields.set("errorCode", error)
            return fields
        }
        let topics = Dictionary(grouping: transaction.partitions, by: \.topic).compactMap {
            id,
            partitions -> Fields? in
            guard let topic = store.topic(id: id) else { return nil }
            var fields: Fields = ["topic": .string(topic.name)]
            fields.set("partitions", partitions.map(\.index).sorted())
            return fields
        }
        fields.set("transactionState", transaction.phase.rawValue)
        fields.set("transactionTimeoutMs", transaction.timeout)
        fields.set("transactionStartTimeMs", transaction.startDate ?? -1)
        fields.set("producerId", transaction.producer.id)
        fields.set("producerEpoch", transaction.producer.epoch)
        fields.set("topics", topics)
        return fields
    }

    var listTransactions: SchemaHandler {
        SchemaHandler(.listTransactions) { [self] request, _, answer in
            let names = request.strings("stateFilters")
            let phases = Set(names.compactMap(TransactionMetadata.Phase.init))
            let producerIDs = Set(request["producerIdFilters"]?.elements ?? [])
            let duration = request.int64("durationFilter")
            perform { [now] registry in
                let date = now()
                let wanted = registry.transactions.filter { transaction in
                    let age = transaction.startDate.map { date - $0 } ?? -1
                    return (names.isEmpty || phases.contains(transaction.phase))
                        && (producerIDs.isEmpty
                            || producerIDs.contains(.int(transaction.producer.id)))
                        && (duration < 0 || age > duration)
                }
                let states = wanted.map { transaction -> Fields in
                    [
                        "transactionalId": .string(transaction.transactionalID),
                        "producerId": .int(transaction.producer.id),
                        "transactionState": .string(transaction.phase.rawValue),
                    ]
                }
                var response = Self.response(states)
                let unknown = names.filter { TransactionMetadata.Phase(rawValue: $0) == nil }
                response.set("unknownStateFilters", unknown)
                answer(response)
            } refused: { error in
                var response = Self.response([])
                response.set("errorCode", error)
                answer(response)
            }
        }
    }

    private static func response(_ states: [Fields]) -> Fields {
        var response = Fields()
        response.set("transactionStates", states)
        return response
    }
}

extension WireValue {
    /// The elements of a list; empty if it is something else.
    fileprivate var elements: [WireValue] {
        if case .array(let values) = self { values } else { [] }
    }
}
