import KafkaWire

/// FindCoordinator: this node coordinates every group and every transaction.
enum FindCoordinator: GroupAPI {
    private static let groupType: Int8 = 0
    private static let transactionType: Int8 = 1

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let type = call.request.int8("keyType")
        guard type == groupType || type == transactionType else {
            return refuse(call, .invalidRequest)
        }
        call.reply(answer(call, registry.endpoint(), .none, message: nil))
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        let nowhere = CoordinatorEndpoint(nodeID: -1, host: "", port: -1)
        return answer(call, nowhere, error, message: "this key has no coordinator here")
    }

    private static func answer(
        _ call: GroupCall,
        _ endpoint: CoordinatorEndpoint,
        _ error: ErrorCode,
        message: String?
    ) -> Fields {
        var result = Fields()
        result.set("errorCode", error)
        result.set("errorMessage", message)
        result.set("nodeId", endpoint.nodeID)
        result.set("host", endpoint.host)
        result.set("port", endpoint.port)
        guard call.version >= 4 else { return result }
        let coordinators = call.request.strings("coordinatorKeys").map { key in
            var coordinator = result
            coordinator.set("key", key)
            return coordinator
        }
        var answer = Fields()
        answer.set("coordinators", coordinators)
        return answer
    }
}
