import KafkaWire

/// SyncGroup: the leader brings the assignment, every member gets its part.
enum SyncGroup: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        guard registry.groups[groupID] != nil else { return refuse(call, .unknownMemberID) }
        let request = syncRequest(call.request)
        let waiter = registry.park(sync: { call.reply(fields($0)) })
        _ = registry.update(groupID) { group, now in
            group.sync(request, waiter: waiter, at: now)
        }
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        fields(SyncAnswer(error: error))
    }

    private static func syncRequest(_ request: Fields) -> SyncRequest {
        let assignments = request.array("assignments").map {
            ($0.string("memberId"), $0.bytes("assignment"))
        }
        return SyncRequest(
            memberID: request.string("memberId"),
            instanceID: request.optionalString("groupInstanceId"),
            generation: request.int32("generationId"),
            protocolType: request.optionalString("protocolType"),
            protocolName: request.optionalString("protocolName"),
            assignments: Dictionary(assignments) { _, last in last }
        )
    }

    private static func fields(_ answer: SyncAnswer) -> Fields {
        var fields = Fields()
        fields.set("errorCode", answer.error)
        fields.set("protocolType", answer.protocolType)
        fields.set("protocolName", answer.protocolName)
        fields.set("assignment", answer.assignment)
        return fields
    }
}
