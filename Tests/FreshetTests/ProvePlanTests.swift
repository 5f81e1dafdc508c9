import Streaming
import Testing

@testable import freshet

@Suite struct ProvePlanTests {
    private func plan(
        kills: Int = 1000,
        seed: UInt64 = 1,
        killsBroker: Bool = true
    ) -> ProvePlan {
        ProvePlan(
            ProvePlan.Settings(kills: kills, seed: seed, scorers: 2, killsBroker: killsBroker)
        )
    }

    private func role(_ action: ProvePlan.Action) -> ProveRole {
        switch action {
        case .kill(let role), .fault(let role, _, _), .takeOver(let role, _), .hang(let role, _):
            role
        }
    }

    @Test func `the same seed gives the same plan and another seed another`() {
        #expect(plan() == plan())
        #expect(plan() != plan(seed: 2))
    }

    @Test(arguments: [1, 2, 3, 50, 999, 1000]) func `a plan has exactly the kills asked for`(
        _ kills: Int
    ) {
        for seed in 1...20 as ClosedRange<UInt64> {
            let plan = plan(kills: kills, seed: seed)
            #expect(plan.steps.reduce(0) { $0 + $1.action.kills } == kills)
        }
    }

    @Test func `every process is killed, paused, and killed at every fault point it has`() {
        let actions = plan().steps.map(\.action)
        let roles: Set<ProveRole> = [.broker, .trainer, .scorer(0), .scorer(1)]
        #expect(Set(actions.filter { $0.kills == 1 }.map(role)) == roles)
        #expect(Set(actions.filter { $0.kills == 0 }.map(role)) == roles)
        let places = actions.compactMap { action -> String? in
            if case .fault(_, let place, _) = action { place } else { nil }
        }
        #expect(Set(places).count == 11)
        for step in plan().steps { #expect(step.wait < .seconds(1)) }
    }

    @Test func `a broker that is not ours is left alone`() {
        let roles = plan(killsBroker: false).steps.map { role($0.action) }
        #expect(!roles.contains(.broker))
    }
}

@Suite struct ProveEventsTests {
    private func records(_ count: Int, seed: UInt64 = 1) -> [[UInt8]] {
        var events = ProveEvents(topic: "t", seed: seed)
        return (0..<count).map { events.next($0).value ?? [] }
    }

    @Test func `the same seed gives the same events and another seed others`() {
        #expect(records(500) == records(500))
        #expect(records(500) != records(500, seed: 2))
    }

    @Test func `a copy is an earlier event byte for byte, and everything else is new`() {
        let values = records(1000)
        var seen: Set<[UInt8]> = []
        for (number, value) in values.enumerated() {
            switch ProveEvents.kind(number) {
            case .new: #expect(seen.insert(value).inserted)
            case .copy(let original):
                #expect(ProveEvents.kind(original) == .new)
                #expect(value == values[original])
            case .unreadable: #expect(String(decoding: value, as: UTF8.self) == "{\"user\":")
            }
        }
        let kinds = (0..<1000).map(ProveEvents.kind)
        #expect(kinds.count { $0 == .unreadable } == 10)
        #expect(kinds.count { $0 == .new } == 970)
    }
}
