import KafkaWire

/// DeleteGroups: removes groups without members, and their offsets, durably.
enum DeleteGroups: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let ids = call.request.strings("groupsNames")
        let gather = Gather<ErrorCode>(ids.count) { errors in
            let results = zip(ids, errors).map { id, error -> Fields in
                ["groupId": .string(id), "errorCode": .code(error)]
            }
            call.reply(["results": .list(results)])
        }
        for (index, id) in ids.enumerated() {
            if let group = registry.groups[id], group.state.phase != .empty {
                gather.set(index, .nonEmptyGroup)
            } else {
                registry.delete(id) { gather.set(index, $0) }
            }
        }
    }
}
