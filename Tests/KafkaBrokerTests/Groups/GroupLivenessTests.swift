import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Rules 12 to 14: staying in a group and leaving it.
struct GroupLivenessTests {
    @Test func `rule 12: heartbeats are checked`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        #expect(driver.heartbeat("a") == .none)
        #expect(driver.heartbeat("ghost") == .unknownMemberID)
        #expect(
            driver.heartbeat("a", generation: driver.group.generation - 1) == .illegalGeneration
        )
        #expect(
            driver.heartbeat("a", generation: driver.group.generation + 1) == .illegalGeneration
        )
    }

    @Test func `rule 12: a heartbeat while syncing is fine`() throws {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.join("a")
        #expect(driver.group.phase == .completingRebalance)
        #expect(driver.heartbeat("a") == .none)
    }

    @Test func `rule 12: a heartbeat during a rebalance says so and renews the session`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        _ = driver.join("b", metadata: [9])
        for _ in 0..<5 {
            driver.advance(9_000)
            #expect(driver.heartbeat("a") == .rebalanceInProgress)
        }
        #expect(driver.memberIDs.contains("a"))
    }

    @Test func `rule 13: a silent member is removed at its session timeout, not before`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        driver.advance(5_000)
        #expect(driver.heartbeat("a") == .none)
        driver.advance(4_999)
        #expect(driver.group.members.count == 2)
        #expect(driver.group.phase == .stable)
        driver.advance(1)
        #expect(driver.memberIDs == ["a"])
        #expect(driver.heartbeat("a") == .rebalanceInProgress)
        #expect(driver.heartbeat("b") == .unknownMemberID)
    }

    @Test func `rule 13: a member whose join waits is not removed`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let waiter = driver.join("a", session: 6_000, rebalance: 60_000)
        for _ in 0..<5 {
            driver.advance(6_000)
            _ = driver.heartbeat("b")
        }
        #expect(driver.error(waiter) == nil)
        #expect(driver.memberIDs.contains("a"))
        _ = driver.join("b")
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 13: a member whose sync waits is not removed`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        _ = driver.join("a")
        _ = driver.join("b")
        let waiter = driver.sync("b")
        for _ in 0..<4 {
            driver.advance(9_000)
            _ = driver.heartbeat("a")
        }
        #expect(driver.error(waiter) == nil)
        #expect(driver.group.members.count == 2)
    }

    @Test func `a member whose client leaves while its join waits has one session to come back`()
        throws
    {
        var driver = try GroupDriver.stable(["a", "b"])
        let gone = driver.join("a", session: 6_000, rebalance: 60_000)
        driver.advance(9_000)
        _ = driver.heartbeat("b")
        try driver.disconnect(gone)
        #expect(!driver.parked.contains(gone))
        driver.advance(5_999)
        #expect(driver.memberIDs.contains("a"))
        _ = driver.heartbeat("b")
        driver.advance(1)
        #expect(driver.memberIDs == ["b"])
        let waiter = driver.join("b")
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `a member whose client left while its join waited is in the generation`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let gone = driver.join("a")
        try driver.disconnect(gone)
        let waiter = driver.join("b")
        #expect(driver.error(waiter) == ErrorCode.none)
        #expect(driver.memberIDs == ["a", "b"])
        let back = driver.join("a")
        #expect(driver.group.phase == .completingRebalance)
        #expect(driver.error(back) == ErrorCode.none)
    }

    @Test func `a member whose client leaves while its sync waits has one session to come back`()
        throws
    {
        var driver = try GroupDriver.stable(["a", "b"])
        _ = driver.join("a")
        _ = driver.join("b")
        let gone = driver.sync("b")
        driver.advance(9_000)
        #expect(driver.heartbeat("a") == .none)
        try driver.disconnect(gone)
        driver.advance(9_999)
        #expect(driver.memberIDs == ["a", "b"])
        #expect(driver.heartbeat("a") == .none)
        driver.advance(1)
        #expect(driver.memberIDs == ["a"])
        #expect(driver.heartbeat("a") == .rebalanceInProgress)
    }

    @Test func `a connection that ends without a waiting request changes nothing`() throws {
        var driver = try GroupDriver.stable(["a"])
        let answered = driver.join("a")
        let before = driver.group.nextDeadline
        try driver.disconnect(answered)
        #expect(driver.group.nextDeadline == before)
        #expect(driver.group.phase == .completingRebalance)
    }

    @Test func `rule 13: a new member waits no longer than five minutes`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a", session: 1_800_000, rebalance: 1_800_000)
        try driver.settle()
        let waiter = driver.join(as: "b", session: 6_000, rebalance: 1_800_000)
        driver.advance(299_999)
        #expect(driver.error(waiter) == nil)
        driver.advance(1)
        #expect(driver.error(waiter) == .unknownMemberID)
        #expect(driver.memberIDs == ["a"])
    }

    @Test func `rule 13: the session of a waiting member begins anew with its answer`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        _ = driver.join("a")
        driver.advance(8_000)
        _ = driver.join("b")
        driver.advance(9_999)
        #expect(driver.group.members.count == 2)
        driver.advance(1)
        #expect(driver.group.members.isEmpty)
        #expect(driver.group.phase == .empty)
    }

    @Test func `rule 14: a member that leaves begins a rebalance`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        #expect(driver.leave("a") == .none)
        #expect(driver.group.leaderID == "b")
        #expect(driver.heartbeat("b") == .rebalanceInProgress)
        let waiter = driver.join("b")
        #expect(driver.answers[waiter]?.members.map(\.id) == ["b"])
    }

    @Test func `rule 14: a member that leaves while others wait completes the rebalance`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let waiter = driver.join("a")
        #expect(driver.leave("b") == .none)
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 14: several members leave with a result each`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a1", instance: "a")
        _ = driver.join(as: "b1", instance: "b")
        _ = driver.join(as: "c")
        try driver.settle()
        let requests = [
            MemberReference(id: "", instanceID: "a"),
            MemberReference(id: "old", instanceID: "b"),
            MemberReference(id: "c"),
            MemberReference(id: "c"),
            MemberReference(id: "", instanceID: "z"),
            MemberReference(id: ""),
        ]
        let errors = driver.group.leave(requests, at: driver.now)
        #expect(
            errors == [
                .none, .fencedInstanceID, .none, .unknownMemberID, .unknownMemberID,
                .unknownMemberID,
            ]
        )
        #expect(driver.memberIDs == ["b1"])
    }

    @Test func `rule 14: a pending id may leave and then holds nobody up`() throws {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.join(as: "p", knownID: true)
        let waiter = driver.join("a")
        #expect(driver.error(waiter) == nil)
        #expect(driver.leave("p") == .none)
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 14: who leaves with a request waiting gets it answered`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let join = driver.join("a")
        _ = driver.leave("a")
        #expect(driver.error(join) == .unknownMemberID)
        _ = driver.join(as: "c")
        _ = driver.join("b")
        let sync = driver.sync("c")
        _ = driver.leave("c")
        #expect(driver.error(sync) == .unknownMemberID)
    }

    @Test func `an emptied group with a pending id settles as empty`() throws {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.join(as: "p", knownID: true)
        _ = driver.leave("a")
        driver.advance(0)
        #expect(driver.group.phase == .empty)
        let waiter = driver.join("p", knownID: true)
        #expect(driver.error(waiter) == ErrorCode.none)
    }
}
