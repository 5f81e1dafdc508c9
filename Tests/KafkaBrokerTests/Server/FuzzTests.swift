import FuzzCases
import KafkaWire
import Testing

@testable import KafkaBroker

/// The cases of `make fuzz`, as many as a few seconds allow, and without the counting of memory.
struct FuzzTests {
    @Test(arguments: 0..<4)
    func `damaged streams, requests and batches are refused or read`(_ part: UInt64) {
        var run = FuzzRun(seed: 20_241_025)
        for index in 0..<5000 { run.run(part * 5000 + UInt64(index)) }
        #expect(run.failures == [])
        // Cases that are all refused at the first byte would find nothing.
        for (name, count) in run.counts {
            #expect(count.accepted > count.all / 10, "\(name)")
            #expect(count.accepted < count.all * 9 / 10, "\(name)")
        }
        #expect(run.counts.count == 3)
    }

    @Test func `damaged requests close their connection or are answered`() async throws {
        try await withBroker { broker, _ in
            var traffic = BrokerTraffic(port: broker.port, seed: 20_241_025)
            try traffic.send(1000)
            #expect(traffic.answered > 200)
            #expect(traffic.closed > 200)
            let client = try RawClient(port: broker.port)
            #expect(try client.request(.apiVersions, version: 3).errorCode() == .none)
        }
    }
}
