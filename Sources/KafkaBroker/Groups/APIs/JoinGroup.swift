import Foundation
import KafkaWire

/// JoinGroup: a client enters a group and waits until all members have.
enum JoinGroup: GroupAPI {
    /// Longest part of a client id that goes into a member id; member ids are sent back and forth.
    private static let maximumPrefix = 249

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        let request = joinRequest(call)
        // Only a client that has no member id yet can begin a group (rule 3).
        if request.memberID.isEmpty {
            guard registry.create(groupID) else { return refuse(call, .policyViolation) }
        } else if registry.groups[groupID] == nil {
            return refuse(call, .unknownMemberID)
        }
        let waiter = registry.park(join: { call.reply(fields($0, version: call.version)) })
        _ = registry.update(groupID) { group, now in
            group.join(request, waiter: waiter, at: now)
        }
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        let memberID = call.request.string("memberId")
        return fields(.refusal(error, memberID: memberID), version: call.version)
    }

    private static func joinRequest(_ call: GroupCall) -> JoinRequest {
        let request = call.request
        let instanceID = request.optionalString("groupInstanceId")
        let clientID = call.client.clientID
        let prefix = instanceID ?? (clientID.isEmpty ? "member" : clientID)
        return JoinRequest(
            memberID: request.string("memberId"),
            instanceID: instanceID,
            clientID: clientID,
            clientHost: "/\(call.client.host)",
            sessionTimeout: request.int32("sessionTimeoutMs"),
            rebalanceTimeout: call.version >= 1 ? request.int32("rebalanceTimeoutMs") : -1,
            protocolType: request.string("protocolType"),
            protocols: request.array("protocols").map {
                GroupProtocol(name: $0.string("name"), metadata: $0.bytes("metadata"))
            },
            requiresKnownID: call.version >= 4,
            canSkipAssignment: call.version >= 9,
            newMemberID: "\(prefix.prefix(maximumPrefix))-\(UUID().uuidString.lowercased())"
        )
    }

    private static func fields(_ answer: JoinAnswer, version: Int16) -> Fields {
        var fields = Fields()
        fields.set("errorCode", answer.error)
        fields.set("generationId", answer.generation)
        fields.set("protocolType", answer.protocolType)
        // Null is allowed from version 7 on.
        fields.set("protocolName", answer.protocolName ?? (version >= 7 ? nil : ""))
        fields.set("leader", answer.leaderID)
        fields.set("skipAssignment", answer.skipAssignment)
        fields.set("memberId", answer.memberID)
        let members = answer.members.map { member in
            var fields = Fields()
            fields.set("memberId", member.id)
            fields.set("groupInstanceId", member.instanceID)
            fields.set("metadata", member.metadata)
            return fields
        }
        fields.set("members", members)
        return fields
    }
}
