import Foundation
import KafkaWire

/// SyncGroup: the leader brings the assignment, every member gets its part.
enum SyncGroup: GroupAPI {
    static func handle(_ call: GroupCall, _ registry: GroupRegistry) {
        guard let groupID = groupID(of: call) else { return }
        guard registry.groups[groupID] != nil else { return refuse(call, .unknownMemberID) }
        let waiter = Waiter(on: call.connection) { answer in
            call.reply([
                "errorCode": .code(answer.error), "protocolType": .text(answer.protocolType),
                "protocolName": .text(answer.protocolName),
                "assignment": .bytes([UInt8](answer.assignment)),
            ])
        }
        let assignments = call.request.array("assignments").map {
            ($0.string("memberId"), Data($0.bytes("assignment")))
        }
        let request = SyncRequest(
            waiter: waiter,
            member: call.member,
            protocolType: call.request.optionalString("protocolType"),
            protocolName: call.request.optionalString("protocolName"),
            assignments: Dictionary(assignments) { _, last in last }
        )
        registry.update(groupID) { group, now in group.sync(request, at: now) }
    }
}
