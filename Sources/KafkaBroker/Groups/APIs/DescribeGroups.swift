import Foundation
import KafkaWire

/// DescribeGroups: who is in a group and what it does.
///
/// A group that does not exist is "Dead".
enum DescribeGroups: GroupAPI {
    /// Read, delete and describe; there is no access control.
    private static let allOperations: Int32 = 328

    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        let wantsOperations = call.request.bool("includeAuthorizedOperations")
        let groups = call.request.strings("groups").map { id -> Fields in
            let state = registry.groups[id]?.state
            // Only then do protocol and assignments belong together.
            let protocolName = state?.phase == .stable ? state?.protocolName : nil
            return [
                "errorCode": 0, "groupId": .string(id),
                "groupState": .string(state?.phase.rawValue ?? "Dead"),
                "protocolType": .string(state?.protocolType ?? ""),
                "protocolData": .string(protocolName ?? ""),
                "members": .list(state?.members.map { fields($0, protocolName) } ?? []),
                "authorizedOperations": .number(wantsOperations ? allOperations : .min),
            ]
        }
        call.reply(["groups": .list(groups)])
    }

    private static func fields(_ member: GroupMember, _ protocolName: String?) -> Fields {
        let assignment = protocolName == nil ? Data() : member.assignment
        let metadata = member.metadata(for: protocolName) ?? Data()
        return [
            "memberId": .string(member.id), "groupInstanceId": .text(member.instanceID),
            "clientId": .string(member.clientID), "clientHost": .string(member.clientHost),
            "memberMetadata": .bytes([UInt8](metadata)),
            "memberAssignment": .bytes([UInt8](assignment)),
        ]
    }
}
