import Foundation
import KafkaWire
import Testing

@testable import KafkaBroker

/// The server over real sockets: framing, versions, order, limits.
struct ServerProtocolTests {
    @Test func `every version of ApiVersions tells the same ranges`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            for version: Int16 in 0...4 {
                let answer = try client.request(.apiVersions, version: version)
                #expect(answer.errorCode() == .none)
                let produce = try #require(
                    answer.array("apiKeys").first { $0.int16("apiKey") == 0 }
                )
                #expect(produce.int16("minVersion") == 0)
                #expect(produce.int16("maxVersion") == 11)
                for range in answer.array("apiKeys") {
                    let key = APIKey(rawValue: range.int16("apiKey"))
                    let schema = try #require(MessageSchema.of(key))
                    #expect(range.int16("minVersion") == schema.versions.lowerBound)
                    #expect(range.int16("maxVersion") == schema.versions.upperBound)
                }
            }
        }
    }

    @Test func `an unknown version of ApiVersions gets the ranges in version 0`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.send([0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 5, 1, 2, 3, 4])
            let answer = try client.response(.apiVersions, version: 0, correlationID: 5)
            #expect(answer.errorCode() == .unsupportedVersion)
            #expect(!answer.array("apiKeys").isEmpty)
            #expect(try client.request(.apiVersions, version: 3).errorCode() == .none)
        }
    }

    @Test func `what is not supported closes its connection and no other`() async throws {
        try await withBroker { broker, _ in
            let bystander = try RawClient(port: broker.port)
            for (key, version): (UInt8, UInt8) in [(231, 0), (1, 99), (0, 2), (24, 0)] {
                let client = try RawClient(port: broker.port)
                try client.send([0, 0, 0, 10, 0, key, 0, version, 0, 0, 0, 1, 0xFF, 0xFF])
                #expect(client.isClosedByBroker(), "key \(key) version \(version)")
            }
            #expect(try bystander.request(.metadata, version: 1).int32("controllerId") == 1)
        }
    }

    @Test(arguments: [0, 7, -1, Int32.max])
    func `an impossible length closes the connection`(_ size: Int32) async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.send((0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) })
            #expect(client.isClosedByBroker())
        }
    }

    @Test func `requests sent together are answered in order`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            var bytes: [UInt8] = []
            let metadata = try MessageCodec.encodeRequest(.metadata, version: 1, ["topics": nil])
            for id: Int32 in 1...50 {
                let key: APIKey = id % 2 == 0 ? .apiVersions : .metadata
                let body = id % 2 == 0 ? [] : metadata
                bytes += try client.frame(
                    key,
                    version: id % 2 == 0 ? 0 : 1,
                    body: body,
                    correlationID: id
                )
            }
            try client.send(bytes)
            for id: Int32 in 1...50 {
                let key: APIKey = id % 2 == 0 ? .apiVersions : .metadata
                _ = try client.response(key, version: id % 2 == 0 ? 0 : 1, correlationID: id)
            }
        }
    }

    @Test func `a request in pieces of one byte is answered`() async throws {
        try await withBroker { broker, _ in
            let client = try RawClient(port: broker.port)
            let body = try MessageCodec.encodeRequest(.metadata, version: 12, ["topics": nil])
            let frame = try client.frame(.metadata, version: 12, body: body, clientID: nil)
            for byte in frame { try client.send([byte]) }
            let answer = try client.response(.metadata, version: 12, correlationID: 1)
            #expect(answer.optionalString("clusterId")?.count == 22)
        }
    }

    @Test func `half a request and then silence closes the connection`() async throws {
        try await withBroker {
            $0.requestArrivalMilliseconds = 50
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            try client.send([0, 0, 0, 100, 0, 18])
            #expect(client.isClosedByBroker())
        }
    }

    @Test func `a connection without requests is closed after the idle time`() async throws {
        try await withBroker {
            $0.connectionsMaxIdleMilliseconds = 50
        } body: { broker, _ in
            let client = try RawClient(port: broker.port)
            _ = try client.request(.apiVersions, version: 0)
            #expect(client.isClosedByBroker())
        }
    }

    @Test func `connections beyond the limit are refused, the others live`() async throws {
        try await withBroker {
            $0.maxConnections = 2
        } body: { broker, _ in
            let first = try RawClient(port: broker.port)
            let second = try RawClient(port: broker.port)
            _ = try first.request(.apiVersions, version: 0)
            _ = try second.request(.apiVersions, version: 0)
            let third = try RawClient(port: broker.port)
            #expect(third.isClosedByBroker())
            _ = try first.request(.apiVersions, version: 0)
            _ = try second.request(.apiVersions, version: 0)
        }
    }
}
