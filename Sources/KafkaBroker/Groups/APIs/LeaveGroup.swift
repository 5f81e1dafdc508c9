import KafkaWire

/// LeaveGroup: members leave, or an administrator removes static members.
enum LeaveGroup: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        let isBatch = call.version >= 3
        let leaving =
            isBatch ? call.request.array("members").map(MemberReference.init) : [call.member]
        let results = registry.update(groupID) { group, now in group.leave(leaving, at: now) }
        let errors = results ?? leaving.map { _ in .unknownMemberID }
        guard isBatch else { return refuse(call, errors.first ?? .none) }
        let members = zip(leaving, errors).map { member, error -> Fields in
            [
                "memberId": .string(member.id), "groupInstanceId": .text(member.instanceID),
                "errorCode": .code(error),
            ]
        }
        call.reply(["members": .list(members)])
    }
}
