import KafkaWire

/// LeaveGroup: members leave, or an administrator removes static members.
enum LeaveGroup: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        let requests = leaveRequests(call)
        let results = registry.update(groupID) { group, now in group.leave(requests, at: now) }
        let errors = results ?? requests.map { _ in .unknownMemberID }
        guard call.version >= 3 else { return refuse(call, errors.first ?? .none) }
        let members = zip(requests, errors).map { request, error in
            var fields = Fields()
            fields.set("memberId", request.memberID)
            fields.set("groupInstanceId", request.instanceID)
            fields.set("errorCode", error)
            return fields
        }
        var answer = refusal(of: call, .none)
        answer.set("members", members)
        call.reply(answer)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        var fields = Fields()
        fields.set("errorCode", error)
        return fields
    }

    private static func leaveRequests(_ call: GroupCall) -> [LeaveRequest] {
        guard call.version >= 3 else {
            return [LeaveRequest(memberID: call.request.string("memberId"))]
        }
        return call.request.array("members").map {
            LeaveRequest(
                memberID: $0.string("memberId"),
                instanceID: $0.optionalString("groupInstanceId")
            )
        }
    }
}
