import KafkaWire

/// DescribeTransactions and ListTransactions: for finding transactions that hold readers up.
extension TransactionCoordinator {
    var describeTransactions: SchemaHandler {
        SchemaHandler(.describeTransactions) { [self] request, _, answer in
            let ids = request.strings("transactionalIds")
            let respond = { @Sendable (find: (String) -> Result<TransactionMetadata, ErrorCode>) in
                var response = Fields()
                response.set("transactionStates", ids.map { self.describe($0, find($0)) })
                answer(response)
            }
            perform { registry in
                respond { id in
                    registry.transaction(id).map { .success($0) }
                        ?? .failure(id.isEmpty ? .invalidRequest : .transactionalIDNotFound)
                }
            } refused: { error in
                respond { _ in .failure(error) }
            }
        }
    }

    private func describe(
        _ id: String,
        _ found: Result<TransactionMetadata, ErrorCode>
    ) -> Fields {
        var fields: Fields = ["transactionalId": .string(id)]
        switch found {
        case .failure(let error): fields.set("errorCode", error)
        case .success(let transaction):
            fields.set("transactionState", transaction.phase.rawValue)
            fields.set("transactionTimeoutMs", transaction.timeout)
            fields.set("transactionStartTimeMs", transaction.startDate ?? -1)
            fields.set("producerId", transaction.producer.id)
            fields.set("producerEpoch", transaction.producer.epoch)
            let byTopic = Dictionary(grouping: transaction.partitions, by: \.topic)
            let topics = byTopic.compactMap { id, partitions -> Fields? in
                guard let topic = store.topic(id: id) else { return nil }
                var fields: Fields = ["topic": .string(topic.name)]
                fields.set("partitions", partitions.map(\.index).sorted())
                return fields
            }
            fields.set("topics", topics)
        }
        return fields
    }

    var listTransactions: SchemaHandler {
        SchemaHandler(.listTransactions) { [self] request, _, answer in
            let names = request.strings("stateFilters")
            let phases = Set(names.compactMap(TransactionMetadata.Phase.init))
            let producerIDs = Set(request["producerIdFilters"]?.elements ?? [])
            let duration = request.int64("durationFilter")
            var response = Fields()
            response.set(
                "unknownStateFilters",
                names.filter { TransactionMetadata.Phase(rawValue: $0) == nil }
            )
            perform { [response, now] registry in
                let date = now()
                let wanted = registry.transactions.filter { transaction in
                    let age = transaction.startDate.map { date - $0 } ?? -1
                    return (names.isEmpty || phases.contains(transaction.phase))
                        && (producerIDs.isEmpty
                            || producerIDs.contains(.int(transaction.producer.id)))
                        && (duration < 0 || age > duration)
                }
                var response = response
                response.set("transactionStates", wanted.map(\.listed))
                answer(response)
            } refused: { error in
                response.set("errorCode", error)
                answer(response)
            }
        }
    }
}

extension TransactionMetadata {
    fileprivate var listed: Fields {
        [
            "transactionalId": .string(transactionalID), "producerId": .int(producer.id),
            "transactionState": .string(phase.rawValue),
        ]
    }
}

extension WireValue {
    /// The elements of a list; empty if it is something else.
    fileprivate var elements: [WireValue] {
        guard case .array(let values) = self else { return [] }
        return values
    }
}
