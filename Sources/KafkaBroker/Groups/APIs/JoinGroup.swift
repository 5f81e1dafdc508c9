import Foundation
import KafkaWire

/// JoinGroup: a client enters a group and waits until all members have.
enum JoinGroup: GroupAPI {
    /// Longest part of a client id that goes into a member id; member ids are sent back and forth.
    private static let maximumPrefix = 249

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        // Only a client that has no member id yet can begin a group (rule 3).
        if call.member.id.isEmpty {
            guard registry.create(groupID) else { return refuse(call, .policyViolation) }
        } else if registry.groups[groupID] == nil {
            return refuse(call, .unknownMemberID)
        }
        let waiter = Waiter(on: call.connection) { call.reply(fields($0, version: call.version)) }
        let request = joinRequest(call, waiter)
        registry.update(groupID) { group, now in group.join(request, at: now) }
    }

    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        fields(MemberAnswer(error: error, memberID: call.member.id), version: call.version)
    }

    private static func joinRequest(_ call: GroupCall, _ waiter: Waiter) -> JoinRequest {
        let request = call.request
        let prefix = call.member.instanceID ?? (call.clientID.isEmpty ? "member" : call.clientID)
        let member = GroupMember(
            id: "\(prefix.prefix(maximumPrefix))-\(UUID().uuidString.lowercased())",
            instanceID: call.member.instanceID,
            clientID: call.clientID,
            clientHost: "/\(call.clientHost)",
            sessionTimeout: request.int32("sessionTimeoutMs"),
            rebalanceTimeout: request.int32("rebalanceTimeoutMs"),
            protocols: request.array("protocols").map {
                GroupProtocol(name: $0.string("name"), metadata: Data($0.bytes("metadata")))
            }
        )
        return JoinRequest(
            waiter: waiter,
            memberID: call.member.id,
            member: member,
            protocolType: request.string("protocolType"),
            requiresKnownID: call.version >= 4,
            canSkipAssignment: call.version >= 9
        )
    }

    private static func fields(_ answer: MemberAnswer, version: Int16) -> Fields {
        let members = answer.members.map { member -> Fields in
            let metadata = member.metadata(for: answer.protocolName) ?? Data()
            return [
                "memberId": .string(member.id), "groupInstanceId": .text(member.instanceID),
                "metadata": .bytes([UInt8](metadata)),
            ]
        }
        return [
            "errorCode": .code(answer.error), "generationId": .number(answer.generation),
            "protocolType": .text(answer.protocolType),
            // Null is allowed from version 7 on.
            "protocolName": .text(answer.protocolName ?? (version >= 7 ? nil : "")),
            "leader": .string(answer.leaderID), "skipAssignment": .bool(answer.skipAssignment),
            "memberId": .string(answer.memberID), "members": .list(members),
        ]
    }
}
