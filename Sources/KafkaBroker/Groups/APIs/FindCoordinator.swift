import KafkaWire

/// FindCoordinator: this node coordinates every group and every transaction.
struct FindCoordinatorHandler: Sendable {
    private static let groupType: Int8 = 0
    private static let transactionType: Int8 = 1

    let node: Node

    /// The handler of FindCoordinator requests.
    var handler: SchemaHandler {
        SchemaHandler(.findCoordinator) { fields, request, answer in
            var result = coordinator(ofType: fields.int8("keyType"))
            guard request.version >= 4 else { return answer(result) }
            let coordinators = fields.strings("coordinatorKeys").map { key in
                result["key"] = .string(key)
                return result
            }
            answer(["coordinators": .list(coordinators)])
        }
    }

    private func coordinator(ofType type: Int8) -> Fields {
        guard type == Self.groupType || type == Self.transactionType else {
            return [
                "errorCode": .code(.invalidRequest), "nodeId": -1, "host": "", "port": -1,
                "errorMessage": "this type of key has no coordinator here",
            ]
        }
        return [
            "errorCode": 0, "errorMessage": nil, "nodeId": .number(node.id),
            "host": .string(node.host), "port": .number(node.port),
        ]
    }
}
