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
        let entries = groups.sorted { $0.id < $1.id }.map { group -> Fields in
            [
                "groupId": .string(group.id), "protocolType": .string(group.protocolType ?? ""),
                "groupState": .string(group.phase.rawValue), "groupType": .string(groupType),
            ]
        }
        call.reply(["groups": .list(entries)])
    }
}
