import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import KafkaBroker

struct ServerStopTests {
    @Test func `a server that stops waits for connections that are being accepted`() async throws {
        var settings = BrokerSettings(dataDirectory: "none")
        settings.host = "::1"  // One socket listens: on the group's first loop.
        settings.port = 0
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let state = ServerState(
            settings,
            RequestRouter([]),
            answers: RequestMemory(limit: 1 << 20),
            quietLogger
        )
        let server = try Server(state, group: group, logger: quietLogger)
        server.accept()
        let loops = Array(group.makeIterator())
        let held = DispatchSemaphore(value: 0)
        let wasReleased = Atomic<Bool>(false)
        loops[1].execute {
            held.wait()
            wasReleased.store(true, ordering: .sequentiallyConsistent)
        }
        // Every second connection is given to the loop that is held up.
        let clients = try (0..<4).map { _ in try RawClient(port: server.port, isIPv6: true) }
        #expect(await becomesTrue { state.connections.all.count == 2 })
        let hasWaited = Mutex<Bool?>(nil)
        OwnThread(name: "stop").start {
            server.stopAccepting()
            let released = wasReleased.load(ordering: .sequentiallyConsistent)
            hasWaited.withLock { $0 = released }
        }
        #expect(await becomesTrue { (try? RawClient(port: server.port, isIPv6: true)) == nil })
        held.signal()
        #expect(await becomesTrue { hasWaited.withLock { $0 != nil } })
        #expect(hasWaited.withLock { $0 } == true)
        server.closeConnections()
        for client in clients { #expect(client.isClosedByBroker()) }
        try await group.shutdownGracefully()
    }
}
