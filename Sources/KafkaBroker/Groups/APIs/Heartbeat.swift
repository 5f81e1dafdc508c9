import KafkaWire

/// Heartbeat: a member says that it is alive, and learns whether it must join again.
enum Heartbeat: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        let request = call.request
        let error = registry.update(groupID, onlyRenews: true) { group, now in
            group.heartbeat(
                memberID: request.string("memberId"),
                instanceID: request.optionalString("groupInstanceId"),
                generation: request.int32("generationId"),
                at: now
            )
        }
        refuse(call, error ?? .unknownMemberID)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        var fields = Fields()
        fields.set("errorCode", error)
        return fields
    }
}
