import KafkaWire

/// Deletes topics by name or id; their files go in the background.
struct DeleteTopicsHandler: Sendable {
    let catalog: TopicCatalog

    /// The handler of DeleteTopics requests.
    var handler: SchemaHandler {
        SchemaHandler(.deleteTopics) { fields, request, answer in
            let topics: [Fields] =
                request.version >= 6
                ? fields.array("topics")
                : fields.strings("topicNames").map { ["name": .string($0)] }
            handle(topics, answer: answer)
        }
    }

    private func handle(_ topics: [Fields], answer: @escaping @Sendable (Fields) -> Void) {
        let gather = Gather<Fields>(topics.count) { results in
            var response = Fields()
            response.set("responses", results)
            answer(response)
        }
        for (index, wanted) in topics.enumerated() {
            let name = wanted.optionalString("name")
            let topic =
                name.map { catalog.store.topic(named: $0) }
                ?? catalog.store.topic(id: wanted.uuid("topicId"))
            var fields = Fields()
            fields.set("name", topic?.name ?? name)
            fields.set("topicId", topic?.id ?? wanted.uuid("topicId"))
            guard let topic else {
                fields.set(
                    "errorCode",
                    name == nil ? ErrorCode.unknownTopicID : .unknownTopicOrPartition
                )
                gather.set(index, fields)
                continue
            }
            delete(topic) { [fields] error in
                var fields = fields
                fields.set("errorCode", error?.errorCode ?? ErrorCode.none)
                fields.set("errorMessage", error?.message)
                gather.set(index, fields)
            }
        }
    }

    private func delete(_ topic: Topic, completion: @escaping @Sendable (BrokerError?) -> Void) {
        catalog.store.deleteTopic(id: topic.id) { result in
            switch result {
            case .failure(let error): completion(error)
            case .success:
                catalog.logs.remove(topic.id)
                completion(nil)
            }
        }
    }
}
