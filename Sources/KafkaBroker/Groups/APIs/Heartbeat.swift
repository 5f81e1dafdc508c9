import KafkaWire

/// Heartbeat: a member says that it is alive, and learns whether it must join again.
enum Heartbeat: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        let error = registry.update(groupID) { group, now in
            group.heartbeat(call.member, at: now)
        }
        refuse(call, error ?? .unknownMemberID)
    }
}
