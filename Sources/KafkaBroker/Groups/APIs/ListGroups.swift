import KafkaWire

/// ListGroups: all groups, or those in certain states.
enum ListGroups: GroupAPI {
    /// The only type of group that there is.
    private static let groupType = "classic"

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let states = Set(call.request.strings("statesFilter").map { $0.lowercased() })
        let types = Set(call.request.strings("typesFilter").map { $0.lowercased() })
        let isWanted = types.isEmpty || types.contains(groupType)
        let groups = registry.groups.values.map(\.state).filter {
            isWanted && (states.isEmpty || states.contains($0.phase.rawValue.lowercased()))
        }
        let entries = groups.sorted { $0.id < $1.id }.map { group in
            var fields = Fields()
            fields.set("groupId", group.id)
            fields.set("protocolType", group.protocolType ?? "")
            fields.set("groupState", group.phase.rawValue)
            fields.set("groupType", groupType)
            return fields
        }
        var answer = refusal(of: call, .none)
        answer.set("groups", entries)
        call.reply(answer)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        var answer = Fields()
        answer.set("errorCode", error)
        return answer
    }
}
