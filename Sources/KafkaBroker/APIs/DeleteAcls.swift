import KafkaWire

/// DeleteAcls: there are no access lists.
extension TopicAPIs {
    var deleteAcls: SchemaHandler {
        SchemaHandler(.deleteAcls) { request, _, answer in
            let filters = request.array("filters")
            answer(["filterResults": .list(filters.map { _ in Self.withoutAuthorizer })])
        }
    }
}
