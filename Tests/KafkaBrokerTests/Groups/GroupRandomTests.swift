import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// A small generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Random inputs in random order: what must always hold, holds.
struct GroupRandomTests {
    @Test(arguments: 0..<60)
    func `random inputs keep the group sound`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var limits = GroupLimits()
        limits.maximumSize = 5
        limits.initialRebalanceDelay = seed.isMultiple(of: 3) ? 2_000 : 0
        var driver = GroupDriver(limits: limits)
        var ids: [String] = ["ghost"]
        var generation: Int32 = 0
        for step in 0..<400 {
            try act(&driver, &ids, step, &random)
            #expect(driver.group.generation >= generation, "generations never go back")
            generation = driver.group.generation
            checkInvariants(driver)
            if let last = driver.memberIDs.randomElement(using: &random) {
                ids.append(last)
            }
            if ids.count > 30 { ids.removeFirst(10) }
        }
        // With everybody gone and time to pass, nobody is left waiting.
        driver.advance(10_000_000)
        #expect(driver.parked.isEmpty)
        #expect(driver.group.phase == .empty)
        #expect(driver.group.nextDeadline == nil)
    }

    private func act(
        _ driver: inout GroupDriver,
        _ ids: inout [String],
        _ step: Int,
        _ random: inout SeededGenerator
    ) throws {
        let id = try #require(ids.randomElement(using: &random))
        let instance = [nil, nil, "i", "j"].randomElement(using: &random) ?? nil
        let recent = driver.group.generation - Int32.random(in: 0...1, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2:
            let memberID = Bool.random(using: &random) ? id : ""
            _ = driver.join(
                memberID,
                as: "m\(step)",
                instance: memberID.isEmpty
                    ? instance : driver.group.members.first { $0.id == id }?.instanceID,
                protocols: [["range"], ["range", "sticky"], ["sticky", "range"]]
                    .randomElement(using: &random) ?? [],
                metadata: [UInt8.random(in: 0...2, using: &random)],
                session: Int32.random(in: 6_000...20_000, using: &random),
                rebalance: Int32.random(in: -1...30_000, using: &random),
                knownID: Bool.random(using: &random),
                skip: Bool.random(using: &random)
            )
        case 3, 4:
            _ = driver.sync(id, instance: instance, generation: recent, [id: [1], "x": [2]])
        case 5:
            let leader = driver.group.leaderID ?? id
            _ = driver.sync(leader, driver.ownIDs)
        case 6: _ = driver.heartbeat(id, instance: instance, generation: recent)
        case 7: _ = driver.leave(id, instance: instance)
        case 8: _ = driver.commit(id, instance: instance, generation: recent)
        default: driver.advance(Int64.random(in: 0...8_000, using: &random))
        }
    }

    private func checkInvariants(_ driver: GroupDriver) {
        let group = driver.group
        let ids = driver.memberIDs
        let waiting = group.members.compactMap(\.waiter)
        #expect(waiting.count == Set(waiting).count)
        #expect(Set(waiting) == driver.parked, "every request is answered or waits in a member")
        let isJoining = group.phase == .preparingRebalance
        #expect(group.initialDelayLeft == nil || isJoining)
        #expect(group.deadline != nil || !isJoining)
        #expect(ids.count == Set(ids).count, "no two members have one id")
        let instances = group.members.compactMap(\.instanceID)
        #expect(instances.count == Set(instances).count, "no two members are one instance")
        #expect(ids.isEmpty || group.leaderID.map(ids.contains) == true)
        // While members join, those who have not come yet still count.
        #expect(ids.count <= group.limits.maximumSize * (isJoining ? 2 : 1))
        #expect(group.phase != .empty || ids.isEmpty)
        #expect(ids.isEmpty || group.emptySince == nil)
        for member in group.members {
            #expect(member.hasJoined == (isJoining && member.waiter != nil))
            #expect(member.waiter == nil || isJoining || group.phase == .completingRebalance)
            #expect(!member.mustSync || !isJoining && group.deadline != nil)
        }
        if group.phase == .stable {
            #expect(group.protocolName != nil)
            #expect(driver.stored.last?.generation == group.generation)
            #expect(driver.stored.last?.members.map(\.id) == ids)
        }
        let deadline = group.nextDeadline ?? .max
        #expect(deadline >= driver.now.uptime || group.phase == .preparingRebalance)
    }
}
