import Foundation
import KafkaWire

/// SyncGroup: rules 10 and 11.
extension GroupState {
    /// Gives a member its assignment, at once or when the leader has brought it.
    mutating func sync(_ request: SyncRequest, at now: Moment) {
        let error = check(request)
        guard error == .none, let index = index(of: request.member.id) else {
            return refuse(request.waiter, error, memberID: request.member.id)
        }
        members[index].renewSession(at: now)
        members[index].mustSync = false
        guard phase == .completingRebalance else {
            return answer(request.waiter, currentGeneration(for: members[index]))
        }
        // The client gave up on a request that waits, or it would not have sent another.
        refuse(members[index], .rebalanceInProgress)
        members[index].waiter = request.waiter
        if request.member.id == leaderID { becomeStable(request.assignments, now) }
    }

    private func check(_ request: SyncRequest) -> ErrorCode {
        let error = check(request.member)
        guard error == .none else { return error }
        let isSameType = request.protocolType.map { $0 == protocolType } ?? true
        let isSameName = request.protocolName.map { $0 == protocolName } ?? true
        guard isSameType, isSameName else { return .inconsistentGroupProtocol }
        return phase == .preparingRebalance ? .rebalanceInProgress : .none
    }

    /// Takes the leader's assignment; who is not in it gets an empty one.
    private mutating func becomeStable(_ assignments: [String: Data], _ now: Moment) {
        phase = .stable
        store()
        for index in members.indices {
            members[index].assignment = assignments[members[index].id] ?? Data()
            guard let waiter = members[index].waiter else { continue }
            members[index].waiter = nil
            members[index].renewSession(at: now)
            answer(waiter, currentGeneration(for: members[index]))
        }
    }
}
