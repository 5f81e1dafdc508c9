import KafkaWire

/// EndTxn: commits or aborts; answered when readers see all of the transaction or nothing.
extension TransactionCoordinator {
    var endTransaction: SchemaHandler {
        SchemaHandler(.endTxn) { [self] request, header, answer in
            let isCommit = request.bool("committed")
            let producer = ProducerIdentity(request)
            change(request.string("transactionalId")) { state, now in
                state.end(isCommit: isCommit, for: producer, at: now)
            } reply: { outcome in
                answer(["errorCode": .code(outcome.errorCode(header.version, fencedSince: 2))])
            }
        }
    }
}
