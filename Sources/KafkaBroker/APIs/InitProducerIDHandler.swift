import KafkaWire

/// Hands out producer ids to idempotent producers.
struct InitProducerIDHandler: Sendable {
    let store: MetadataStore

    /// The handler of InitProducerId requests.
    var handler: SchemaHandler {
        SchemaHandler(.initProducerId) { fields, _, answer in
            if let transactionalID = fields.optionalString("transactionalId") {
                let isEmpty = transactionalID.isEmpty
                return answer(
                    Self.refusal(isEmpty ? .invalidRequest : .transactionalIDAuthorizationFailed)
                )
            }
            store.nextProducerID { result in
                switch result {
                case .success(let id): answer(["producerId": .int(id), "producerEpoch": 0])
                case .failure(let error): answer(Self.refusal(error.errorCode))
                }
            }
        }
    }

    /// The answer without an id.
    ///
    /// Who asks for transactions, which this broker does not have yet, gets a code that no client
    /// retries: the answer has no room for a text.
    private static func refusal(_ code: ErrorCode) -> Fields {
        var fields: Fields = ["producerId": -1, "producerEpoch": -1]
        fields.set("errorCode", code)
        return fields
    }
}
