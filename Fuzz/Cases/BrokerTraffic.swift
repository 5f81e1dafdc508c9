import Foundation
import KafkaSamples

/// Sends requests, damaged or not, to a broker over TCP.
///
/// After each one it asks for the versions of the APIs, and either gets an answer to that or finds
/// the connection closed; if it gets neither at once, the request waits for something, and the
/// connection is given up.
package struct BrokerTraffic {
    /// How many requests were answered, had their connection closed, and waited for something.
    package private(set) var (answered, closed, waited) = (0, 0, 0)

    private let port: Int
    private var generator: Generator
    private var random: SplitMix
    private var connection: Int32 = -1
    /// ApiVersions, version 0, with a correlation id that no other request has.
    private static let question: [UInt8] = [
        0, 0, 0, 10, 0, 18, 0, 0, 0x5A, 0x5A, 0x5A, 0x5A, 0xFF, 0xFF,
    ]
    private static let mark: [UInt8] = [0x5A, 0x5A, 0x5A, 0x5A]

    /// The broker did not take a connection.
    package struct Unreachable: Error {}

    /// Prepares to send to a broker on this machine.
    package init(port: Int, seed: UInt64) {
        self.port = port
        generator = Generator(seed: seed)
        random = SplitMix(seed: seed &+ 1)
    }

    /// Sends so many requests, one after another.
    package mutating func send(_ count: Int) throws(Unreachable) {
        for _ in 0..<count {
            if connection < 0 { try connect() }
            var request = generator.intactRequest()
            if random.next(below: 4) > 0 {
                Damage.apply(to: &request, with: generator.intactRequest(), &random)
            }
            let size = withUnsafeBytes(of: Int32(request.count).bigEndian) { Array($0) }
            guard write(size + request + Self.question) else {
                closed += 1
                disconnect()
                continue
            }
            awaitAnswer()
        }
        disconnect()
    }

    /// Reads answers, which come in order: the one to the question is last.
    private mutating func awaitAnswer() {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else {
                if count < 0 && errno == EAGAIN { waited += 1 } else { closed += 1 }
                return disconnect()
            }
            received += buffer.prefix(count)
            while received.count >= 8 {
                let size = received.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard received.count >= 4 + size else { break }
                if Array(received[4..<8]) == Self.mark {
                    answered += 1
                    return
                }
                received.removeFirst(4 + size)
            }
        }
    }

    private mutating func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Foundation.send(
                    connection,
                    buffer.baseAddress.map { $0 + sent },
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private mutating func connect() throws(Unreachable) {
        connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Longer than any request takes that does not wait for something.
        var limit = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(
            connection,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &limit,
            socklen_t(MemoryLayout<timeval>.size)
        )
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Unreachable() }
    }

    private mutating func disconnect() {
        close(connection)
        connection = -1
    }
}
