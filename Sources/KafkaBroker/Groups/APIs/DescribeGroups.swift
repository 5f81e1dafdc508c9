import KafkaWire

/// DescribeGroups: who is in a group and what it does.
///
/// A group that does not exist is "Dead".
enum DescribeGroups: GroupAPI {
    /// Read, delete and describe; there is no access control.
    private static let allOperations: Int32 = 328

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let groups = call.request.strings("groups").map { id in
            group(id, registry.groups[id]?.state.description ?? .dead, call, .none)
        }
        var answer = Fields()
        answer.set("groups", groups)
        call.reply(answer)
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        var answer = Fields()
        answer.set("groups", call.request.strings("groups").map { group($0, .dead, call, error) })
        return answer
    }

    private static func group(
        _ id: String,
        _ description: GroupDescription,
        _ call: GroupCall,
        _ error: ErrorCode
    ) -> Fields {
        let wantsOperations = call.request.bool("includeAuthorizedOperations")
        var group = Fields()
        group.set("errorCode", error)
        group.set("groupId", id)
        group.set("groupState", description.state)
        group.set("protocolType", description.protocolType)
        group.set("protocolData", description.protocolName)
        group.set("members", description.members.map(member))
        group.set("authorizedOperations", wantsOperations ? allOperations : Int32.min)
        return group
    }

    private static func member(_ member: GroupDescription.Member) -> Fields {
        var fields = Fields()
        fields.set("memberId", member.id)
        fields.set("groupInstanceId", member.instanceID)
        fields.set("clientId", member.clientID)
        fields.set("clientHost", member.clientHost)
        fields.set("memberMetadata", member.metadata)
        fields.set("memberAssignment", member.assignment)
        return fields
    }
}
