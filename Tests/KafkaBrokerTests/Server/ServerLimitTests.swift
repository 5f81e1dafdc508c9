import Foundation
import KafkaWire
import NIOCore
import NIOPosix
import Testing

@testable import KafkaBroker

/// Limits on what clients can take: connections, memory, open files, lines of the log.
struct ServerLimitTests {
    @Test func `of a thousand and one connections the last is refused`() async throws {
        try await withBroker { broker, settings in
            #expect(settings.maxConnections == 1000)
            let clients = try (0..<1000).map { _ in try RawClient(port: broker.port) }
            #expect(await becomesTrue { broker.connections.count == 1000 })
            #expect(try RawClient(port: broker.port).isClosedByBroker())
            for client in clients {
                #expect(try client.request(.apiVersions, version: 0).errorCode() == .none)
            }
        }
    }

    @Test func `refused connections are counted in the log, at most once a second`() async throws {
        let log = LogRecorder()
        try await withBroker(logger: log.logger) {
            $0.maxConnections = 1
        } body: { broker, _ in
            let first = try RawClient(port: broker.port)
            _ = try first.request(.apiVersions, version: 0)
            let begin = ContinuousClock.now
            for _ in 0..<50 { #expect(try RawClient(port: broker.port).isClosedByBroker()) }
            func lines() -> [String] { log.lines.filter { $0.hasPrefix("refusing connections") } }
            // One line for the first, and lines with the number of those that followed.
            #expect(
                await becomesTrue {
                    1
                        + lines().compactMap { Int($0.split(separator: "count=").last ?? "") }
                        .reduce(0, +) == 50
                }
            )
            let seconds = Int((ContinuousClock.now - begin).components.seconds)
            #expect(lines().count <= 2 + seconds)
            #expect(lines()[0].contains("broker.maximum_connections=1"))
        }
    }

    @Test func `too many requests in memory wait in their sockets`() async throws {
        try await withBroker {
            $0.socketRequestMaxBytes = 1 << 20
            $0.requestMemoryBytes = 1 << 20
        } body: { broker, _ in
            let body = try MessageCodec.encodeRequest(
                .produce,
                version: 7,
                RawClient.produceFields([UInt8](repeating: 0, count: 700_000))
            )
            let slow = try RawClient(port: broker.port)
            let request = try slow.frame(.produce, version: 7, body: body)
            try slow.send(Array(request.prefix(1000)))
            #expect(await becomesTrue { broker.requestMemory.available < 700_000 })
            let other = try RawClient(port: broker.port)
            try other.send(request)
            // Small requests are answered meanwhile, a hundred of them.
            let small = try RawClient(port: broker.port)
            for _ in 0..<100 { _ = try small.request(.apiVersions, version: 0) }
            #expect(!other.hasSomethingToRead)
            try slow.send(Array(request.dropFirst(1000)))
            _ = try slow.response(.produce, version: 7, correlationID: 1)
            _ = try other.response(.produce, version: 7, correlationID: 1)
            #expect(await becomesTrue { broker.requestMemory.available == 1 << 20 })
        }
    }

    @Test func `memory that a client reserved is free again when it leaves`() async throws {
        try await withBroker {
            $0.socketRequestMaxBytes = 1 << 20
            $0.requestMemoryBytes = 1 << 20
        } body: { broker, _ in
            do {
                let leaving = try RawClient(port: broker.port)
                try leaving.send([0, 0x0F, 0, 0, 0, 0, 0, 7])
                #expect(await becomesTrue { broker.requestMemory.available < 1 << 20 })
            }
            #expect(await becomesTrue { broker.requestMemory.available == 1 << 20 })
        }
    }

    @Test func `clients that do not read get small answers before memory is full`() async throws {
        try await withBroker {
            $0.socketRequestMaxBytes = 4 << 20
            $0.requestMemoryBytes = 8 << 20
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            for _ in 0..<12 {
                _ = try client.produce([String(repeating: "x", count: 1_000_000)], acks: 1)
            }
            let wanted = RawClient.fetchFields(from: 0, maxBytes: 50 << 20)
            let slow = try RawClient(port: broker.port, receiveBufferBytes: 4096)
            try slow.send(
                slow.frame(
                    .fetch,
                    version: 11,
                    body: MessageCodec.encodeRequest(.fetch, version: 11, wanted)
                )
            )
            #expect(await becomesTrue { slow.hasSomethingToRead })
            #expect(broker.answerMemory.available < 2 << 20)
            let records = try client.request(.fetch, version: 11, wanted)
                .array("responses")[0].array("partitions")[0].bytes("records")
            // A batch that is there is always sent, however little memory is left.
            #expect((1_000_000..<2_100_000).contains(records.count))
        }
    }

    @Test func `a fetch that waits ends when its client leaves`() async throws {
        try await withBroker { broker, _ in
            let other = try RawClient(port: broker.port)
            try other.createTopic()
            do {
                let leaving = try RawClient(port: broker.port)
                let wanted = RawClient.fetchFields(from: 0, maxWaitMs: 60_000)
                try leaving.send(
                    leaving.frame(
                        .fetch,
                        version: 11,
                        body: MessageCodec.encodeRequest(.fetch, version: 11, wanted)
                    )
                )
                #expect(await becomesTrue { broker.waitingFetchCount == 1 })
            }
            #expect(await becomesTrue { broker.waitingFetchCount == 0 })
        }
    }

    @Test func `a member whose connection ends while it joins or syncs stays, and waits no more`()
        async throws
    {
        try await withBroker { broker, settings in
            let first = try RawClient(port: broker.port)
            let joined = try first.request(.joinGroup, version: 3, Self.join())
            #expect(joined.errorCode() == .none)
            func isAllAnswered() -> Bool {
                broker.requestMemory.available == settings.requestMemoryBytes
            }
            var member = ""
            do {
                let leaving = try RawClient(port: broker.port)
                try leaving.begin(.joinGroup, version: 3, Self.join())
                #expect(try await becomesTrue { try Self.members(first).count == 2 })
                #expect(!isAllAnswered())
                member = try #require(try Self.members(first).last)
            }
            #expect(await becomesTrue(isAllAnswered))
            #expect(try Self.members(first).count == 2)
            // It comes again, both get into a generation, and it leaves while it syncs.
            do {
                let leaving = try RawClient(port: broker.port)
                try leaving.begin(.joinGroup, version: 3, Self.join(member))
                let id = joined.string("memberId")
                let again = try first.request(.joinGroup, version: 3, Self.join(id))
                let generation = again.int32("generationId")
                let answer = try leaving.response(.joinGroup, version: 3, correlationID: 1)
                #expect(answer.int32("generationId") == generation)
                let sync: Fields = [
                    "groupId": "g", "memberId": .string(member),
                    "generationId": .number(generation),
                ]
                #expect(isAllAnswered())
                try leaving.begin(.syncGroup, version: 2, sync)
                #expect(await becomesTrue { !isAllAnswered() })
            }
            #expect(await becomesTrue(isAllAnswered))
            #expect(await becomesTrue { broker.connections.count == 1 })
            #expect(try Self.members(first).count == 2)
        }
    }

    private static func join(_ member: String = "") -> Fields {
        [
            "groupId": "g", "sessionTimeoutMs": 30_000, "rebalanceTimeoutMs": 30_000,
            "memberId": .string(member), "protocolType": "consumer",
            "protocols": [.structure(["name": "range", "metadata": .bytes([0, 0, 0, 0, 0, 0])])],
        ]
    }

    private static func members(_ client: RawClient) throws -> [String] {
        try client.request(.describeGroups, version: 0, ["groups": ["g"]])
            .array("groups")[0].array("members").map { $0.string("memberId") }
    }

    @Test(.enabled(if: hasIPv6, "this machine has no ::1"))
    func `the broker is reached through both loopback addresses and names the one`() async throws {
        try await withBroker { broker, _ in
            #expect(broker.bootstrapServers == "127.0.0.1:\(broker.port)")
            for isIPv6 in [false, true] {
                let client = try RawClient(port: broker.port, isIPv6: isIPv6)
                let node = try client.request(.metadata, version: 1, ["topics": []])
                    .array("brokers")[0]
                #expect(node.string("host") == "127.0.0.1")
                #expect(node.int32("port") == Int32(broker.port))
            }
        }
    }

    private static let hasIPv6: Bool = {
        let group = MultiThreadedEventLoopGroup.singleton
        let bootstrap = ServerBootstrap(group: group)
        let listener = try? bootstrap.bind(host: "::1", port: 0).wait()
        try? listener?.close().wait()
        return listener != nil
    }()

    @Test func `other addresses than the loopback's come with a warning`() async throws {
        let log = LogRecorder()
        try await withBroker(logger: log.logger) {
            $0.host = "0.0.0.0"
            $0.advertisedHost = "broker.example.org"
        } body: { broker, _ in
            #expect(broker.bootstrapServers == "broker.example.org:\(broker.port)")
            #expect(log.lines.contains { $0.hasPrefix("the broker has no authentication") })
            let node = try RawClient(port: broker.port)
                .request(.metadata, version: 1, ["topics": []]).array("brokers")[0]
            #expect(node.string("host") == "broker.example.org")
        }
    }

    @Test func `sockets send at once and notice peers that are gone`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            _ = try client.request(.apiVersions, version: 0)
            let channel = try #require(broker.connections.first)
            #expect(try await channel.getOption(.socketOption(.tcp_nodelay)).get() != 0)
            #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() != 0)
        }
    }

    @Test func `open files must be enough for the connections`() throws {
        try OpenFileLimit.check(1256, forConnections: 1000)
        let error = #expect(throws: BrokerError.self) {
            try OpenFileLimit.check(1255, forConnections: 1000)
        }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("1255 open files") == true)
        #expect(error?.remedy.contains("broker.maximum_connections to at most 999") == true)
    }

    @Test func `impossible lengths take no memory`() async throws {
        try await withBroker { broker, settings in
            for size: Int32 in [0, 7, -1, .max, 104_857_601] {
                for _ in 0..<50 {
                    let client = try RawClient(port: broker.port)
                    try client.send(withUnsafeBytes(of: size.bigEndian) { Array($0) })
                    #expect(client.isClosedByBroker())
                }
            }
            #expect(broker.requestMemory.available == settings.requestMemoryBytes)
            // The largest that is allowed is waited for, with what it may take reserved.
            let client = try RawClient(port: broker.port)
            try client.send([0x06, 0x40, 0, 0])
            #expect(
                await becomesTrue {
                    broker.requestMemory.available == settings.requestMemoryBytes - 104_857_600
                }
            )
        }
    }
}
