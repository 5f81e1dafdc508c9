import KafkaWire

/// DeleteGroups: removes groups without members, and their offsets, durably.
enum DeleteGroups: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let ids = call.request.strings("groupsNames")
        let gather = Gather<Fields>(ids.count) { results in
            var answer = Fields()
            answer.set("results", results)
            call.reply(answer)
        }
        for (index, id) in ids.enumerated() {
            let isEmpty = registry.groups[id].map { $0.state.phase == .empty } ?? true
            guard isEmpty else {
                gather.set(index, result(id, .nonEmptyGroup))
                continue
            }
            registry.delete(id) { error in gather.set(index, result(id, error)) }
        }
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        var answer = Fields()
        answer.set("results", call.request.strings("groupsNames").map { result($0, error) })
        return answer
    }

    private static func result(_ id: String, _ error: ErrorCode) -> Fields {
        var fields = Fields()
        fields.set("groupId", id)
        fields.set("errorCode", error)
        return fields
    }
}
