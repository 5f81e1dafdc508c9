import KafkaWire

/// CreateAcls: there are no access lists.
extension TopicAPIs {
    var createAcls: SchemaHandler {
        SchemaHandler(.createAcls) { request, _, answer in
            let creations = request.array("creations")
            answer(["results": .list(creations.map { _ in Self.withoutAuthorizer })])
        }
    }
}
