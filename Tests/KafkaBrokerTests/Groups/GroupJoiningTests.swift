import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Rules 2 to 4, 7 and 22: entering a group.
struct GroupJoiningTests {
    @Test func `the first member becomes the leader and learns its own metadata`() throws {
        var driver = GroupDriver()
        let waiter = driver.join(as: "a", metadata: [7, 8])
        let answer = try #require(driver.answers[waiter])
        #expect(answer.error == .none)
        #expect(answer.generation == 1)
        #expect(answer.leaderID == "a")
        #expect(answer.memberID == "a")
        #expect(answer.protocolName == "range")
        #expect(answer.protocolType == "consumer")
        #expect(answer.members.map(\.id) == ["a"])
        #expect(answer.members.map { $0.metadata(for: "range") } == [Data([7, 8])])
        #expect(driver.group.phase == .completingRebalance)
    }

    @Test(arguments: [Int32.min, -1, 0, 5_999, 1_800_001, .max])
    func `rule 2: a session timeout outside the limits is refused`(_ timeout: Int32) {
        var driver = GroupDriver()
        let waiter = driver.join(as: "a", session: timeout)
        #expect(driver.error(waiter) == .invalidSessionTimeout)
        #expect(driver.group.isBlank)
    }

    @Test(arguments: [Int32(6_000), 1_800_000])
    func `rule 2: the limits of the session timeout are allowed`(_ timeout: Int32) {
        var driver = GroupDriver()
        let waiter = driver.join(as: "a", session: timeout)
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 2: no protocol type or no protocols is refused`() {
        var driver = GroupDriver()
        let typeless = driver.join(as: "a", type: "")
        let empty = driver.join(as: "a", protocols: [])
        #expect(driver.error(typeless) == .inconsistentGroupProtocol)
        #expect(driver.error(empty) == .inconsistentGroupProtocol)
        #expect(driver.group.isBlank)
    }

    @Test func `rule 2: another protocol type or no common protocol is refused`() throws {
        var driver = try GroupDriver.stable(["a"])
        let connect = driver.join(as: "b", type: "connect")
        let sticky = driver.join(as: "b", protocols: ["sticky"])
        #expect(driver.error(connect) == .inconsistentGroupProtocol)
        #expect(driver.error(sticky) == .inconsistentGroupProtocol)
        #expect(driver.group.phase == .stable)
    }

    @Test func `rule 2: a sole member may change its protocols altogether`() throws {
        var driver = try GroupDriver.stable(["a"])
        let waiter = driver.join("a", protocols: ["sticky"])
        #expect(driver.answers[waiter]?.protocolName == "sticky")
        #expect(driver.group.generation == 2)
    }

    @Test func `rule 2: without a rebalance timeout the session timeout counts`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a", session: 9_000, rebalance: -1)
        #expect(driver.group.rebalanceTimeout == 9_000)
    }

    @Test func `rule 4: a new client must come back with the id it is given`() throws {
        var driver = GroupDriver()
        let first = driver.join(as: "a", knownID: true)
        #expect(driver.error(first) == .memberIDRequired)
        #expect(driver.answers[first]?.memberID == "a")
        #expect(driver.group.members.isEmpty)
        let second = driver.join("a", as: "unused", knownID: true)
        #expect(driver.error(second) == ErrorCode.none)
        #expect(driver.answers[second]?.memberID == "a")
        #expect(driver.group.pendingIDs.isEmpty)
    }

    @Test func `rule 4: a pending id lapses after one session timeout`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a", session: 10_000, knownID: true)
        driver.advance(9_999)
        #expect(driver.group.pendingIDs.count == 1)
        driver.advance(1)
        #expect(driver.group.pendingIDs.isEmpty)
        let late = driver.join("a", knownID: true)
        #expect(driver.error(late) == .unknownMemberID)
    }

    @Test func `rule 4: an older client joins at once`() {
        var driver = GroupDriver()
        let waiter = driver.join(as: "a", knownID: false)
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 7: an unknown member is refused`() throws {
        var driver = try GroupDriver.stable(["a"])
        let waiter = driver.join("ghost")
        #expect(driver.error(waiter) == .unknownMemberID)
        #expect(driver.group.phase == .stable)
    }

    @Test func `rule 7: a member whose answer was lost gets the same generation again`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        _ = driver.join("a")
        _ = driver.join("b")
        let generation = driver.group.generation
        #expect(driver.group.phase == .completingRebalance)
        let leader = driver.join("a")
        let follower = driver.join("b")
        #expect(driver.answers[leader]?.generation == generation)
        #expect(driver.answers[leader]?.members.count == 2)
        #expect(driver.answers[follower]?.generation == generation)
        #expect(driver.answers[follower]?.members.isEmpty == true)
        #expect(driver.group.phase == .completingRebalance)
    }

    @Test func `rule 7: changed protocols while syncing begin a rebalance`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        _ = driver.join("a")
        _ = driver.join("b")
        let waiting = driver.sync("b")
        let waiter = driver.join("a", metadata: [9])
        #expect(driver.error(waiter) == nil)
        #expect(driver.error(waiting) == .rebalanceInProgress)
        #expect(driver.group.phase == .preparingRebalance)
    }

    @Test func `rule 7: in a stable group only the leader or a change begins a rebalance`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let unchanged = driver.join("b")
        #expect(driver.answers[unchanged]?.generation == driver.group.generation)
        #expect(driver.group.phase == .stable)
        var other = driver
        let leader = driver.join("a")
        #expect(driver.error(leader) == nil)
        #expect(driver.group.phase == .preparingRebalance)
        let changed = other.join("b", metadata: [5])
        #expect(other.error(changed) == nil)
        #expect(other.group.phase == .preparingRebalance)
    }

    @Test func `a second join of a waiting member takes the place of the first`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let first = driver.join("a")
        let second = driver.join("a")
        #expect(driver.error(first) == .rebalanceInProgress)
        #expect(driver.error(second) == nil)
        _ = driver.join("b")
        #expect(driver.error(second) == ErrorCode.none)
    }

    @Test func `rule 22: a full group takes nobody in`() throws {
        var limits = GroupLimits()
        limits.maximumSize = 2
        var driver = try GroupDriver.stable(["a", "b"], limits: limits)
        let third = driver.join(as: "c")
        #expect(driver.error(third) == .groupMaxSizeReached)
        #expect(driver.group.phase == .stable)
    }

    @Test func `rule 22: a static member that restarts finds its place in a full group`() throws {
        var limits = GroupLimits()
        limits.maximumSize = 1
        var driver = GroupDriver(limits: limits)
        _ = driver.join(as: "a1", instance: "a")
        try driver.settle()
        let stranger = driver.join(as: "b1", instance: "b")
        let restarted = driver.join(as: "a2", instance: "a")
        #expect(driver.error(stranger) == .groupMaxSizeReached)
        #expect(driver.error(restarted) == ErrorCode.none)
    }

    @Test func `rule 22: who comes last to a rebalance of a full group is refused`() throws {
        var limits = GroupLimits()
        limits.maximumSize = 2
        var driver = try GroupDriver.stable(["a", "b"], limits: limits)
        _ = driver.join("a")
        let new = driver.join(as: "c")
        let late = driver.join("b")
        #expect(driver.error(late) == .groupMaxSizeReached)
        driver.advance(60_000)
        #expect(driver.error(new) == ErrorCode.none)
    }

    @Test func `rule 22: there are never more pending ids than members allowed`() {
        var limits = GroupLimits()
        limits.maximumSize = 2
        var driver = GroupDriver(limits: limits)
        let waiters = ["a", "b", "c"].map { driver.join(as: $0, knownID: true) }
        let errors = waiters.map { driver.error($0) }
        #expect(errors == [.memberIDRequired, .memberIDRequired, .groupMaxSizeReached])
    }
}
