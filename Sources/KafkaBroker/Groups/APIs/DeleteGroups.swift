import KafkaWire

/// DeleteGroups: removes groups without members, and their offsets, durably.
enum DeleteGroups: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let ids = call.request.strings("groupsNames")
        let gather = Gather<ErrorCode>(ids.count) { call.reply(answer(call, $0)) }
        for (index, id) in ids.enumerated() {
            if let group = registry.groups[id], group.state.phase != .empty {
                gather.set(index, .nonEmptyGroup)
            } else {
                registry.delete(id) { gather.set(index, $0) }
            }
        }
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        answer(call, call.request.strings("groupsNames").map { _ in error })
    }

    private static func answer(_ call: GroupCall, _ errors: [ErrorCode]) -> Fields {
        let results = zip(call.request.strings("groupsNames"), errors).map { id, error -> Fields in
            ["groupId": .string(id), "errorCode": .code(error)]
        }
        return ["results": .list(results)]
    }
}
