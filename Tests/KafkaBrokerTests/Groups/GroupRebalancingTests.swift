import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Rules 8 and 9: from one generation to the next.
struct GroupRebalancingTests {
    @Test func `rule 8: the first generation begins at once when there is no delay`() {
        var driver = GroupDriver()
        let waiter = driver.join(as: "a")
        #expect(driver.error(waiter) == ErrorCode.none)
    }

    @Test func `rule 8: the first generation waits for members that keep arriving`() {
        var limits = GroupLimits()
        limits.initialRebalanceDelay = 3_000
        var driver = GroupDriver(limits: limits)
        let first = driver.join(as: "a")
        driver.advance(2_000)
        let second = driver.join(as: "b")
        driver.advance(2_000)
        #expect(driver.error(first) == nil)
        driver.advance(2_000)
        #expect(driver.answers[first]?.generation == 1)
        #expect(driver.answers[first]?.members.count == 2)
        #expect(driver.answers[second]?.generation == 1)
    }

    @Test func `rule 8: the first generation waits no longer than the rebalance timeout`() {
        var limits = GroupLimits()
        limits.initialRebalanceDelay = 3_000
        var driver = GroupDriver(limits: limits)
        let first = driver.join(as: "a", rebalance: 7_000)
        for index in 0..<6 {
            #expect(driver.error(first) == nil)
            _ = driver.join(as: "b\(index)", rebalance: 7_000)
            driver.advance(1_200)
        }
        #expect(driver.error(first) == ErrorCode.none)
    }

    @Test func `rule 8: a rebalance waits until all members have joined again`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let new = driver.join(as: "c")
        #expect(driver.group.phase == .preparingRebalance)
        let a = driver.join("a")
        #expect(driver.error(new) == nil)
        let b = driver.join("b")
        for waiter in [new, a, b] {
            #expect(driver.answers[waiter]?.generation == driver.group.generation)
        }
        #expect(driver.answers[a]?.members.map(\.id) == ["a", "b", "c"])
        #expect(driver.answers[b]?.members.isEmpty == true)
    }

    @Test func `rule 8: a rebalance waits for pending ids until they lapse`() throws {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.join(as: "p", session: 8_000, knownID: true)
        let a = driver.join("a")
        #expect(driver.error(a) == nil)
        driver.advance(7_999)
        #expect(driver.error(a) == nil)
        driver.advance(1)
        #expect(driver.error(a) == ErrorCode.none)
    }

    @Test func `rule 8: a rebalance ends when the longest rebalance timeout has passed`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "slow", session: 30_000, rebalance: 5_000)
        _ = driver.join(as: "other", session: 30_000, rebalance: 9_000)
        try driver.settle()
        let new = driver.join(as: "new", session: 30_000, rebalance: 1_000)
        let other = driver.join("other", session: 30_000, rebalance: 9_000)
        driver.advance(8_999)
        #expect(driver.error(other) == nil)
        driver.advance(1)
        #expect(driver.error(other) == ErrorCode.none)
        #expect(driver.error(new) == ErrorCode.none)
        #expect(driver.memberIDs == ["other", "new"])
    }

    @Test func `rule 9: a leader that stays away is succeeded by the first who came`() throws {
        var driver = GroupDriver()
        for id in ["a", "b", "c"] { _ = driver.join(as: id, session: 30_000, rebalance: 5_000) }
        try driver.settle()
        #expect(driver.group.leaderID == "a")
        _ = driver.join("c", metadata: [2], session: 30_000, rebalance: 5_000)
        let b = driver.join("b", session: 30_000, rebalance: 5_000)
        driver.advance(60_000)
        #expect(driver.answers[b]?.leaderID == "b")
        #expect(driver.answers[b]?.members.map(\.id) == ["b", "c"])
    }

    @Test func `rule 9: the protocol with most votes among the common ones is chosen`() throws {
        var driver = GroupDriver()
        _ = driver.join(as: "a", protocols: ["x", "range", "sticky"])
        _ = driver.join(as: "b", protocols: ["sticky", "range", "x"])
        _ = driver.join(as: "c", protocols: ["sticky", "range"])
        let a = driver.join("a", protocols: ["x", "range", "sticky"])
        _ = driver.join("b", protocols: ["sticky", "range", "x"])
        #expect(driver.answers[a]?.protocolName == "sticky")
    }

    @Test func `rule 9: the leader gets the metadata of the chosen protocol`() throws {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.join(as: "b", protocols: ["range"], metadata: [42])
        let a = driver.join("a", protocols: ["range"], metadata: [41])
        #expect(
            driver.answers[a]?.members.map { $0.metadata(for: "range") } == [
                Data([41]), Data([42]),
            ]
        )
    }

    @Test func `rule 9: when the last member leaves the group is empty and stored`() throws {
        var driver = try GroupDriver.stable(["a"])
        let generation = driver.group.generation
        #expect(driver.leave("a") == .none)
        #expect(driver.group.phase == .empty)
        #expect(driver.group.generation == generation + 1)
        #expect(driver.stored.last?.members.isEmpty == true)
        #expect(driver.stored.last?.emptySince == driver.now.date)
        #expect(driver.group.nextDeadline == nil)
    }

    @Test func `generations go on when an emptied group is joined again`() throws {
        var driver = try GroupDriver.stable(["a"])
        _ = driver.leave("a")
        let waiter = driver.join(as: "b", type: "other")
        #expect(driver.answers[waiter]?.generation == 3)
        #expect(driver.answers[waiter]?.protocolType == "other")
    }

    @Test func `a generation number at its end starts over instead of trapping`() {
        var driver = GroupDriver()
        driver.group.generation = .max
        let waiter = driver.join(as: "a")
        #expect(driver.answers[waiter]?.generation == 1)
    }
}
