import KafkaWire

/// DeleteTopics: deletes topics by name or id; their files go in the background.
extension TopicAPIs {
    var deleteTopics: SchemaHandler {
        SchemaHandler(
            .deleteTopics,
            into: "responses",
            by: ["name", "topicId"],
            ofEach: { request in
                let names = request.strings("topicNames")
                return request.array("topics") + names.map { ["name": .string($0)] }
            }
        ) { wanted, _, finish throws(BrokerError) in
            let found =
                if let name = wanted.optionalString("name") {
                    try topic(name)
                } else {
                    try topic(wanted.uuid("topicId"))
                }
            store.deleteTopic(id: found.id) { result in
                if case .success = result { logs.remove(found.id) }
                finish(
                    result.map { ["name": .string($0.name), "topicId": .uuid($0.id)] }
                )
            }
        }
    }
}
