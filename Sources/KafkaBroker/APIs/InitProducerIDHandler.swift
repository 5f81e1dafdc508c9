import KafkaWire

/// Hands out producer ids to idempotent producers.
struct InitProducerIDHandler: Sendable {
    let store: MetadataStore

    /// The handler of InitProducerId requests.
    var handler: SchemaHandler {
        SchemaHandler(.initProducerId) { fields, _, answer in
            guard fields.optionalString("transactionalId") == nil else {
                return answer(Self.refusal)
            }
            store.nextProducerID { result in
                switch result {
                case .success(let id): answer(["producerId": .int(id), "producerEpoch": 0])
                case .failure(let error):
                    var response = Self.refusal
                    response.set("errorCode", error.errorCode)
                    answer(response)
                }
            }
        }
    }

    /// The answer to a producer that asks for transactions, which this broker does not have yet.
    ///
    /// The code is one that no client retries; the answer has no room for a text.
    private static var refusal: Fields {
        var fields: Fields = ["producerId": -1, "producerEpoch": -1]
        fields.set("errorCode", ErrorCode.transactionalIDAuthorizationFailed)
        return fields
    }
}
