import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Rules 5 and 6: members that keep their place when they restart.
struct GroupStaticMemberTests {
    /// A stable group of two static members: "a1" of instance "a", the leader, and "b1" of "b".
    private func twoMembers() throws -> GroupDriver {
        var driver = GroupDriver()
        _ = driver.join(as: "a1", instance: "a")
        _ = driver.join(as: "b1", instance: "b")
        try driver.settle()
        return driver
    }

    @Test func `rule 5: a static member joins without being told its id first`() {
        var driver = GroupDriver()
        let waiter = driver.join(as: "a1", instance: "a", knownID: true)
        #expect(driver.error(waiter) == ErrorCode.none)
        #expect(driver.group.members.map(\.instanceID) == ["a"])
    }

    @Test func `rule 5: a restarted member keeps its assignment and nobody rebalances`() throws {
        var driver = try twoMembers()
        let generation = driver.group.generation
        let waiter = driver.join(as: "b2", instance: "b", knownID: true, skip: true)
        let answer = try #require(driver.answers[waiter])
        #expect(answer.error == .none)
        #expect(answer.memberID == "b2")
        #expect(answer.generation == generation)
        #expect(answer.leaderID == "a1")
        #expect(!answer.skipAssignment)
        #expect(answer.members.isEmpty)
        #expect(driver.group.phase == .stable)
        #expect(driver.stored.last?.members.map(\.id) == ["a1", "b2"])
        let synced = driver.sync("b2", instance: "b")
        #expect(driver.answers[synced]?.assignment == Data("b1".utf8))
        #expect(driver.heartbeat("b1", instance: "b") == .fencedInstanceID)
        #expect(driver.heartbeat("b1") == .unknownMemberID)
        #expect(driver.heartbeat("b2", instance: "b") == .none)
    }

    @Test func `rule 5: a restarted leader is told to skip the assignment`() throws {
        var driver = try twoMembers()
        let waiter = driver.join(as: "a2", instance: "a", skip: true)
        let answer = try #require(driver.answers[waiter])
        #expect(answer.skipAssignment)
        #expect(answer.leaderID == "a2")
        #expect(answer.members.map(\.id) == ["a2", "b1"])
        #expect(driver.group.phase == .stable)
    }

    @Test func `rule 5: an older restarted leader is shown its old id as the leader`() throws {
        var driver = try twoMembers()
        let waiter = driver.join(as: "a2", instance: "a", skip: false)
        let answer = try #require(driver.answers[waiter])
        #expect(!answer.skipAssignment)
        #expect(answer.leaderID == "a1")
        #expect(answer.members.isEmpty)
        #expect(driver.group.leaderID == "a2")
    }

    @Test func `rule 5: a restart that changes the chosen protocol begins a rebalance`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a1", instance: "a", protocols: ["range", "sticky"])
        try driver.settle()
        let waiter = driver.join(as: "a2", instance: "a", protocols: ["sticky"])
        #expect(driver.answers[waiter]?.generation == 2)
        #expect(driver.answers[waiter]?.protocolName == "sticky")
        #expect(driver.group.phase == .completingRebalance)
    }

    @Test func `rules 5 and 17: a broker that dies while members sync knows the new ids`() throws {
        var driver = try twoMembers()
        let generation = driver.group.generation
        _ = driver.join("b1", instance: "b", metadata: [2])
        let waiter = driver.join(as: "a2", instance: "a", protocols: ["range"], metadata: [2])
        #expect(driver.answers[waiter]?.memberID == "a2")
        #expect(driver.group.phase == .completingRebalance)
        var restarted = try GroupDriver(restoring: try #require(driver.stored.last))
        #expect(restarted.group.generation == generation)
        #expect(restarted.group.leaderID == "a2")
        #expect(restarted.memberIDs == ["a2", "b1"])
        #expect(restarted.heartbeat("a1", instance: "a") == .fencedInstanceID)
        let synced = restarted.sync("a2", instance: "a", generation: generation + 1)
        #expect(restarted.error(synced) == .illegalGeneration)
        #expect(restarted.heartbeat("b1", instance: "b", generation: generation) == .none)
        _ = restarted.join("a2", instance: "a")
        #expect(restarted.heartbeat("b1", instance: "b") == .rebalanceInProgress)
        try restarted.settle()
        #expect(restarted.memberIDs == ["a2", "b1"])
    }

    @Test func `rule 5: a restart while syncing begins a rebalance and fences the old`() throws {
        var driver = try twoMembers()
        _ = driver.join("a1", instance: "a")
        _ = driver.join("b1", instance: "b")
        let old = driver.sync("b1", instance: "b")
        let waiter = driver.join(as: "b2", instance: "b")
        #expect(driver.error(old) == .fencedInstanceID)
        #expect(driver.error(waiter) == nil)
        #expect(driver.group.phase == .preparingRebalance)
        _ = driver.join("a1", instance: "a")
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 5: a restart while joining fences the join that waits`() throws {
        var driver = try twoMembers()
        let old = driver.join("b1", instance: "b", metadata: [2])
        let waiter = driver.join(as: "b2", instance: "b")
        #expect(driver.error(old) == .fencedInstanceID)
        #expect(driver.error(waiter) == nil)
        _ = driver.join("a1", instance: "a")
        #expect(driver.answers[waiter]?.generation == driver.group.generation)
    }

    @Test func `rule 6: an instance that belongs to another member is fenced everywhere`() throws {
        var driver = try twoMembers()
        let joined = driver.join("a1", instance: "b")
        #expect(driver.error(joined) == .fencedInstanceID)
        let synced = driver.sync("a1", instance: "b")
        #expect(driver.error(synced) == .fencedInstanceID)
        #expect(driver.heartbeat("a1", instance: "b") == .fencedInstanceID)
        #expect(driver.leave("a1", instance: "b") == .fencedInstanceID)
        let commit = driver.commit("a1", instance: "b", generation: driver.group.generation)
        #expect(commit == .fencedInstanceID)
    }

    @Test func `rule 6: an unknown instance is an unknown member everywhere`() throws {
        var driver = try twoMembers()
        let joined = driver.join("a1", instance: "z")
        #expect(driver.error(joined) == .unknownMemberID)
        let synced = driver.sync("a1", instance: "z")
        #expect(driver.error(synced) == .unknownMemberID)
        #expect(driver.heartbeat("a1", instance: "z") == .unknownMemberID)
        #expect(driver.leave("a1", instance: "z") == .unknownMemberID)
        let commit = driver.commit("a1", instance: "z", generation: driver.group.generation)
        #expect(commit == .unknownMemberID)
    }

    @Test func `rule 9: a static member that is away stays until its session ends`() throws {
        var driver = try twoMembers()
        let waiter = driver.join("a1", instance: "a", session: 60_000, rebalance: 5_000)
        _ = driver.heartbeat("b1", instance: "b")
        #expect(driver.error(waiter) == nil)
        driver.advance(10_000)
        #expect(driver.memberIDs == ["a1"])
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 9: static members that are all away keep the group waiting`() throws {
        var driver = GroupDriver()
        for name in ["a", "b", "c"] {
            _ = driver.join(as: name, instance: name, session: 100_000, rebalance: 20_000)
        }
        try driver.settle()
        _ = driver.leave("c")
        #expect(driver.group.phase == .preparingRebalance)
        driver.advance(60_000)
        #expect(driver.group.phase == .preparingRebalance)
        #expect(driver.group.members.count == 2)
        driver.advance(40_000)
        #expect(driver.group.phase == .empty)
    }
}
