import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Rules 10 and 11: handing out the assignment.
struct GroupSyncingTests {
    /// Members "a", the leader, and "b", both joined and about to sync.
    private func syncing() throws -> GroupDriver {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.join(as: "b")
        _ = driver.join("a")
        #expect(driver.group.phase == .completingRebalance)
        return driver
    }

    @Test func `rule 11: members wait until the leader brings the assignment`() throws {
        var driver = try syncing()
        let b = driver.sync("b")
        #expect(driver.error(b) == nil)
        let a = driver.sync("a", ["a": [1], "b": [2]])
        #expect(driver.answers[a]?.assignment == Data([1]))
        #expect(driver.answers[b]?.assignment == Data([2]))
        #expect(driver.answers[b]?.protocolName == "range")
        #expect(driver.group.phase == .stable)
    }

    @Test func `rule 11: answers wait until the generation is stored`() throws {
        var driver = try syncing()
        let b = driver.sync("b")
        let count = driver.stored.count
        let a = driver.sync("a", ["b": [2]])
        #expect(driver.stored.count == count + 1)
        let stored = try #require(driver.stored.last)
        #expect(stored.generation == 2)
        #expect(stored.members.map(\.assignment) == [Data(), Data([2])])
        #expect(driver.error(a) == ErrorCode.none)
        #expect(driver.error(b) == ErrorCode.none)
    }

    @Test func `rule 11: members missing from the assignment get nothing`() throws {
        var driver = try syncing()
        let b = driver.sync("b")
        _ = driver.sync("a", ["a": [1], "stranger": [9]])
        #expect(driver.answers[b]?.error == ErrorCode.none)
        #expect(driver.answers[b]?.assignment == Data([]))
        #expect(driver.group.members.count == 2)
    }

    @Test func `rule 11: a retry or a late member gets the stored assignment`() throws {
        var driver = try syncing()
        _ = driver.sync("a", ["a": [1], "b": [2]])
        let late = driver.sync("b")
        let retry = driver.sync("a", ["a": [3]])
        #expect(driver.answers[late]?.assignment == Data([2]))
        #expect(driver.answers[retry]?.assignment == Data([1]))
    }

    @Test func `rule 11: wrong members, generations, protocols and moments are refused`() throws {
        var driver = try syncing()
        let stranger = driver.sync("ghost")
        let old = driver.sync("b", generation: 1)
        let type = driver.sync("b", type: "connect", name: "range")
        let name = driver.sync("b", type: "consumer", name: "sticky")
        let right = driver.sync("b", type: "consumer", name: "range")
        #expect(driver.error(stranger) == .unknownMemberID)
        #expect(driver.error(old) == .illegalGeneration)
        #expect(driver.error(type) == .inconsistentGroupProtocol)
        #expect(driver.error(name) == .inconsistentGroupProtocol)
        #expect(driver.error(right) == nil)
        _ = driver.join(as: "c")
        #expect(driver.error(right) == .rebalanceInProgress)
        let early = driver.sync("b")
        #expect(driver.error(early) == .rebalanceInProgress)
    }

    @Test func `a second sync of a waiting member takes the place of the first`() throws {
        var driver = try syncing()
        let first = driver.sync("b")
        let second = driver.sync("b")
        #expect(driver.error(first) == .rebalanceInProgress)
        _ = driver.sync("a", ["b": [2]])
        #expect(driver.answers[second]?.assignment == Data([2]))
    }

    @Test func `rule 10: a member that does not sync in time is removed`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a", session: 100_000, rebalance: 20_000)
        _ = driver.join(as: "b", session: 100_000, rebalance: 20_000)
        _ = driver.join("a", session: 100_000, rebalance: 20_000)
        let b = driver.sync("b")
        driver.advance(19_999)
        #expect(driver.error(b) == nil)
        driver.advance(1)
        #expect(driver.error(b) == .rebalanceInProgress)
        #expect(driver.memberIDs == ["b"])
        #expect(driver.group.leaderID == "b")
        #expect(driver.group.phase == .preparingRebalance)
    }

    @Test func `rule 10: it is removed also when the others are stable already`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a", session: 100_000, rebalance: 20_000)
        _ = driver.join(as: "b", session: 100_000, rebalance: 20_000)
        _ = driver.join("a", session: 100_000, rebalance: 20_000)
        _ = driver.sync("a", ["a": [1]])
        #expect(driver.group.phase == .stable)
        driver.advance(20_000)
        #expect(driver.memberIDs == ["a"])
        #expect(driver.heartbeat("a") == .rebalanceInProgress)
    }
}
