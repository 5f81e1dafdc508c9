import KafkaWire

/// InitProducerId: hands out producer ids, and makes a producer the only one that may use a
/// transactional id.
extension TransactionCoordinator {
    var initProducerID: SchemaHandler {
        SchemaHandler(.initProducerId) { [self] request, header, answer in
            let reply = { @Sendable (outcome: Outcome) in
                let producer = (try? outcome.get()) ?? .none
                answer([
                    "errorCode": .code(outcome.errorCode(header.version, fencedSince: 4)),
                    "producerId": .int(producer.id), "producerEpoch": .int(Int64(producer.epoch)),
                ])
            }
            guard let id = request.optionalString("transactionalId") else {
                return environment.store.nextProducerID { result in
                    reply(
                        result.map { ProducerIdentity(id: $0, epoch: 0) }.mapError(\.errorCode)
                    )
                }
            }
            let timeout = request.int32("transactionTimeoutMs")
            guard id.isEmpty || (1...environment.settings.maximumTimeout).contains(timeout) else {
                return reply(.failure(.invalidTransactionTimeout))
            }
            let named = ProducerIdentity(request)
            guard (named.id == -1) == (named.epoch == -1) else {
                return reply(.failure(.invalidRequest))
            }
            let expected = named == .none ? nil : named
            let input = { @Sendable (state: inout TransactionState, now: Int64) in
                state.initProducerID(timeout: timeout, expected: expected, at: now)
            }
            change(id, creating: true, input, reply: reply)
        }
    }
}

extension ProducerIdentity {
    /// The producer that a request names.
    init(_ request: Fields, _ id: String = "producerId", _ epoch: String = "producerEpoch") {
        self.init(id: request.int64(id), epoch: request.int16(epoch))
    }
}
