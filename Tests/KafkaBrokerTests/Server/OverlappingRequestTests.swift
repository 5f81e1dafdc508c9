import Foundation
import KafkaWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import KafkaBroker

/// Keeps the requests of an API until the test answers them.
private final class HoldingHandler: RequestHandler {
    let key: APIKey
    let mayOverlap: Bool
    private let held = Mutex<[Int32: @Sendable (Answer) -> Void]>([:])
    private let left = Mutex<[Int32]>([])

    init(_ key: APIKey, mayOverlap: Bool) {
        self.key = key
        self.mayOverlap = mayOverlap
    }

    /// The correlation ids of the requests that are held.
    var ids: [Int32] { held.withLock { $0.keys.sorted() } }
    /// Those of the requests whose clients have left.
    var leftIDs: [Int32] { left.withLock { $0 } }

    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        held.withLock { $0[request.header.correlationID] = answer }
    }

    func clientLeft(_ request: Request) {
        left.withLock { $0.append(request.header.correlationID) }
    }

    /// Answers a request, with its own correlation id unless told otherwise.
    func answer(_ id: Int32, with answer: Answer? = nil) throws {
        let reply = try #require(held.withLock { $0.removeValue(forKey: id) })
        reply(answer ?? .buffers([ByteBuffer(integer: id)]))
    }
}

/// Produce requests that are carried out before earlier ones are answered.
struct OverlappingRequestTests {
    private let produce = HoldingHandler(.produce, mayOverlap: true)
    private let heartbeat = HoldingHandler(.heartbeat, mayOverlap: false)

    private func send(
        _ ids: some Sequence<Int32>,
        _ key: APIKey = .produce,
        byteCount: Int = 0,
        to channel: EmbeddedChannel
    ) throws {
        for id in ids {
            let version: Int16 = key == .produce ? 7 : 0
            var writer = WireWriter()
            try RequestHeader(key: key, version: version, correlationID: id, clientID: nil)
                .encode(into: &writer)
            writer.raw([UInt8](repeating: 0, count: byteCount))
            var frame = ByteBuffer(integer: Int32(writer.bytes.count))
            frame.writeBytes(writer.bytes)
            try channel.writeInbound(frame)
        }
    }

    /// The correlation ids of the answers that were sent.
    private func answers(_ channel: EmbeddedChannel) throws -> [Int32] {
        var ids: [Int32] = []
        while var answer = try channel.readOutbound(as: ByteBuffer.self) {
            while let id = answer.readInteger(as: Int32.self) { ids.append(id) }
        }
        return ids
    }

    @Test func `produces are begun together and answered in the order of the requests`() throws {
        let (channel, memory) = try connection(to: [produce, heartbeat])
        try send(1...4, to: channel)
        #expect(produce.ids == [1, 2, 3, 4])
        for (id, sent) in [(3, []), (2, []), (1, [1, 2, 3]), (4, [4])] as [(Int32, [Int32])] {
            try produce.answer(id)
            #expect(try answers(channel) == sent)
        }
        #expect(memory.available == 256 << 20)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `other requests wait for the answers, and produces for theirs`() throws {
        let (channel, _) = try connection(to: [produce, heartbeat])
        try send([1, 2], to: channel)
        try send([3], .heartbeat, to: channel)
        try send([4, 5], to: channel)
        try produce.answer(1)
        #expect(heartbeat.ids.isEmpty)
        try produce.answer(2)
        #expect(heartbeat.ids == [3])
        #expect(produce.ids.isEmpty)
        try heartbeat.answer(3)
        #expect(produce.ids == [4, 5])
        #expect(try answers(channel) == [1, 2, 3])
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `of other APIs one request is carried out at a time`() throws {
        let (channel, _) = try connection(to: [produce, heartbeat])
        try send([1, 2], .heartbeat, to: channel)
        #expect(heartbeat.ids == [1])
        try heartbeat.answer(1)
        #expect(heartbeat.ids == [2])
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `a connection has so many produces under way, and no more`() throws {
        let limit = Int32(ConnectionHandler.maximumUnderWay)
        let (channel, _) = try connection(to: [produce, heartbeat])
        try send(1...(limit + 2), to: channel)
        #expect(produce.ids == Array(1...limit))
        try produce.answer(2)
        #expect(produce.ids.last == limit)
        try produce.answer(1)
        #expect(produce.ids == Array(3...(limit + 2)))
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `when memory is full, produces are carried out one at a time`() throws {
        let (channel, memory) = try connection(
            to: [produce, heartbeat],
            requestMemoryBytes: 100_000
        )
        try send(1...4, byteCount: 60_000, to: channel)
        #expect(produce.ids == [1, 2])
        #expect(memory.available == 0)
        try produce.answer(1)
        #expect(produce.ids == [2, 3])
        for id: Int32 in 2...4 { try produce.answer(id) }
        #expect(memory.available == 100_000)
        #expect(try answers(channel) == [1, 2, 3, 4])
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `a failure that closes the connection waits for earlier answers`() throws {
        let log = LogRecorder()
        let (channel, memory) = try connection(to: [produce, heartbeat], log: log)
        try send(1...3, to: channel)
        try produce.answer(2, with: .close(reason: "it failed"))
        try produce.answer(3)
        #expect(channel.isActive)
        try produce.answer(1)
        #expect(!channel.isActive)
        #expect(try answers(channel) == [1])
        #expect(memory.available == 256 << 20)
        #expect(log.lines.count == 1)
    }

    @Test func `requests without an answer do not hold up those after them`() throws {
        let (channel, _) = try connection(to: [produce, heartbeat])
        try send(1...3, to: channel)
        try produce.answer(3)
        try produce.answer(1, with: .nothing)
        try produce.answer(2, with: .nothing)
        #expect(try answers(channel) == [3])
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `handlers learn of every wait whose client has left`() throws {
        let (channel, memory) = try connection(to: [produce, heartbeat])
        try send([1, 2], to: channel)
        try send([3], .heartbeat, to: channel)
        try produce.answer(2)
        _ = try channel.finish(acceptAlreadyClosed: true)
        #expect(produce.leftIDs == [1])
        try produce.answer(1)
        // It had arrived: it is carried out, and nobody waits for it.
        #expect(heartbeat.ids == [3])
        #expect(heartbeat.leftIDs == [3])
        try heartbeat.answer(3)
        #expect(memory.available == 256 << 20)
    }

    @Test func `an idempotent producer's batches keep their order, sent without waiting`()
        async throws
    {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.createTopic()
            let producer = try client.request(
                .initProducerId,
                version: 1,
                ["transactionalId": nil, "transactionTimeoutMs": 1000]
            ).int64("producerId")
            let count: Int32 = 200
            var bytes: [UInt8] = []
            for number in 0..<count {
                // Every tenth comes twice, as after an answer that was lost.
                for _ in 0..<(number % 10 == 9 ? 2 : 1) {
                    let records = batch(["x"], producerID: producer, sequence: number)
                    let body = try MessageCodec.encodeRequest(
                        .produce,
                        version: 7,
                        RawClient.produceFields(records)
                    )
                    bytes += try client.frame(
                        .produce,
                        version: 7,
                        body: body,
                        correlationID: number
                    )
                }
            }
            try client.send(bytes)
            for number in 0..<count {
                for _ in 0..<(number % 10 == 9 ? 2 : 1) {
                    let answer = try client.response(.produce, version: 7, correlationID: number)
                        .array("responses")[0].array("partitionResponses")[0]
                    #expect(answer.errorCode() == .none)
                    #expect(answer.int64("baseOffset") == Int64(number))
                }
            }
        }
    }
}
