import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// Rules 15, 17 and 18: offsets and storage.
struct GroupOffsetTests {
    private func offset(_ number: Int64, date: Int64) -> CommittedOffset {
        CommittedOffset(offset: number, leaderEpoch: 3, metadata: "", date: date)
    }

    @Test func `rule 15: a client without a group commits while the group is empty`() throws {
        var driver = GroupDriver()
        #expect(driver.commit(generation: -1) == .none)
        _ = driver.join(as: "a")
        #expect(driver.commit(generation: -1) == .unknownMemberID)
    }

    @Test func `rule 15: a member's commit is checked`() throws {
        var driver = try GroupDriver.stable(["a"])
        let generation = driver.group.generation
        #expect(driver.commit("a", generation: generation) == .none)
        #expect(driver.commit("a", generation: generation - 1) == .illegalGeneration)
        #expect(driver.commit("ghost", generation: generation) == .unknownMemberID)
        #expect(driver.commit("a", generation: -1) == .illegalGeneration)
    }

    @Test func `rule 15: a commit is refused while syncing but not while joining`() throws {
        var driver = try GroupDriver.stable(["a", "b"])
        let generation = driver.group.generation
        _ = driver.join("b", metadata: [9])
        #expect(driver.group.phase == .preparingRebalance)
        #expect(driver.commit("a", generation: generation) == .none)
        _ = driver.join("a")
        #expect(driver.group.phase == .completingRebalance)
        #expect(driver.commit("a", generation: generation) == .illegalGeneration)
        #expect(driver.commit("a", generation: generation + 1) == .rebalanceInProgress)
    }

    @Test func `rule 15: a commit counts as a sign of life`() throws {
        var driver = try GroupDriver.stable(["a"])
        for _ in 0..<3 {
            driver.advance(9_000)
            #expect(driver.commit("a", generation: driver.group.generation) == .none)
        }
        #expect(driver.group.members.count == 1)
    }

    @Test func `rule 17: a restored group goes on without a rebalance`() throws {
        var before = try GroupDriver.stable(["a", "b"])
        let stored = try #require(before.stored.last)
        let generation = before.group.generation
        #expect(before.heartbeat("b") == .none)
        var driver = try GroupDriver(restoring: stored)
        #expect(driver.group.phase == .stable)
        #expect(driver.heartbeat("a", generation: generation) == .none)
        #expect(driver.heartbeat("b", generation: generation) == .none)
        let retry = driver.sync("b", generation: generation)
        #expect(driver.answers[retry]?.assignment == Data("b".utf8))
        let unchanged = driver.join("b")
        #expect(driver.answers[unchanged]?.generation == generation)
        #expect(driver.group.leaderID == stored.leaderID)
        #expect(driver.memberIDs == stored.members.map(\.id))
    }

    @Test func `rule 17: members get one session timeout after a restart`() throws {
        let before = try GroupDriver.stable(["a", "b"])
        var driver = try GroupDriver(restoring: #require(before.stored.last))
        driver.advance(5_000)
        #expect(driver.heartbeat("a") == .none)
        driver.advance(5_000)
        #expect(driver.memberIDs == ["a"])
    }

    @Test func `rule 17: a restored static member can be replaced`() throws {
        var before = GroupDriver()
        _ = before.join(as: "a1", instance: "a")
        try before.settle()
        var driver = try GroupDriver(restoring: #require(before.stored.last))
        let waiter = driver.join(as: "a2", instance: "a", skip: true)
        #expect(driver.answers[waiter]?.generation == 1)
        #expect(driver.group.phase == .stable)
    }

    @Test func `rule 18: offsets go a while after the group became empty`() throws {
        var driver = try GroupDriver.stable(["a"])
        let key = OffsetKey(topicID: .random(), partition: 0)
        driver.group.apply([(key, offset(5, date: driver.now.date))])
        #expect(driver.group.expiredOffsets(retention: 0, at: driver.now).isEmpty)
        driver.advance(5_000)
        _ = driver.leave("a")
        driver.advance(999)
        #expect(driver.group.expiredOffsets(retention: 1_000, at: driver.now).isEmpty)
        driver.advance(1)
        #expect(driver.group.expiredOffsets(retention: 1_000, at: driver.now) == [key])
        #expect(!driver.group.isObsolete)
        driver.group.offsets[key] = nil
        #expect(driver.group.isObsolete)
    }

    @Test func `rule 18: without members each offset goes a while after its commit`() {
        var driver = GroupDriver()
        let topic = UUID16.random()
        let old = OffsetKey(topicID: topic, partition: 0)
        let new = OffsetKey(topicID: topic, partition: 1)
        driver.group.apply([(old, offset(1, date: driver.now.date))])
        driver.advance(600)
        driver.group.apply([(new, offset(2, date: driver.now.date))])
        driver.advance(400)
        #expect(driver.group.expiredOffsets(retention: 1_000, at: driver.now) == [old])
    }

    @Test func `rule 18: a deleted topic takes its offsets with it`() {
        var driver = GroupDriver()
        let gone = OffsetKey(topicID: .random(), partition: 0)
        let kept = OffsetKey(topicID: .random(), partition: 0)
        driver.group.apply([(gone, offset(1, date: 0)), (kept, offset(2, date: 0))])
        driver.group.forgetTopic(gone.topicID)
        #expect(Array(driver.group.offsets.keys) == [kept])
    }
}
