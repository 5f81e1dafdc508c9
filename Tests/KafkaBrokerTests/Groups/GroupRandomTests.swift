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
            if let last = driver.group.members.keys.randomElement(using: &random) {
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
                instance: memberID.isEmpty ? instance : driver.group.members[id]?.instanceID,
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
            _ = driver.sync(leader, driver.group.members.mapValues { Array($0.id.utf8) })
        case 6: _ = driver.heartbeat(id, instance: instance, generation: recent)
        case 7: _ = driver.leave(id, instance: instance)
        case 8: _ = driver.commit(id, instance: instance, generation: recent)
        default: driver.advance(Int64.random(in: 0...8_000, using: &random))
        }
    }

    private func checkInvariants(_ driver: GroupDriver) {
        let group = driver.group
        var waiting: Set<Waiter> = []
        for member in group.members.values {
            if let waiter = member.joinWaiter { waiting.insert(waiter) }
            if let waiter = member.syncWaiter { waiting.insert(waiter) }
        }
        #expect(waiting == driver.parked, "every request is answered once or waits in a member")
        #expect((group.joining != nil) == (group.phase == .preparingRebalance))
        #expect(group.members.isEmpty || group.leaderID.map { group.members[$0] != nil } == true)
        let isJoining = group.phase == .preparingRebalance
        // While members join, those who have not come yet still count.
        #expect(group.members.count <= group.limits.maximumSize * (isJoining ? 2 : 1))
        #expect(group.phase != .empty || group.members.isEmpty)
        #expect(group.members.isEmpty || group.emptySince == nil)
        #expect(group.unsyncedIDs.isSubset(of: group.members.keys))
        for (instance, id) in group.staticIDs { #expect(group.members[id]?.instanceID == instance) }
        for member in group.members.values {
            #expect(member.instanceID.map { group.staticIDs[$0] == member.id } ?? true)
            #expect(member.syncWaiter == nil || group.phase == .completingRebalance)
            #expect(member.joinWaiter == nil || group.phase == .preparingRebalance)
        }
        if group.phase == .stable {
            #expect(group.protocolName != nil)
            #expect(driver.persisted.last?.generation == group.generation)
            #expect(driver.persisted.last?.members.map(\.id) == group.orderedMembers.map(\.id))
        }
        let deadline = group.nextDeadline ?? .max
        #expect(deadline >= driver.now.uptime || group.phase == .preparingRebalance)
    }
}
