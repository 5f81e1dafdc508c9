import Foundation

/// A blocking connection to a broker; used by one thread at a time.
final class Connection {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    /// Connects to `host:port`, the host being an IPv4 address.
    init(_ address: String) throws {
        let parts = address.split(separator: ":").map(String.init)
        guard parts.count == 2, let port = UInt16(parts[1]) else {
            throw Failure("\(address) is not an address like 127.0.0.1:9092")
        }
        #if os(Linux)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        inet_pton(AF_INET, parts[0], &name.sin_addr)
        let status = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure("\(address): \(String(cString: strerror(errno)))") }
        var on: Int32 = 1
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &on,
            socklen_t(MemoryLayout<Int32>.size)
        )
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                let count = write(descriptor, rest.baseAddress, rest.count)
                guard count > 0 else { throw Failure("the broker closed the connection") }
                sent += count
            }
        }
    }

    /// Waits for an answer, which is only valid in the closure.
    func receive<Result>(_ body: (inout Answer) throws -> Result) throws -> Result {
        try receive(count: 4)
        let size = buffer.withUnsafeBytes { Int($0.load(as: UInt32.self).bigEndian) }
        if size > buffer.count { buffer = [UInt8](repeating: 0, count: size) }
        try receive(count: size)
        return try buffer.withUnsafeBytes { bytes in
            var answer = Answer(UnsafeRawBufferPointer(rebasing: bytes[..<size]))
            return try body(&answer)
        }
    }

    /// Sends a request and waits for its answer.
    func ask<Result>(_ bytes: [UInt8], _ body: (inout Answer) throws -> Result) throws -> Result {
        try send(bytes)
        return try receive(body)
    }

    private func receive(count: Int) throws {
        try buffer.withUnsafeMutableBytes { bytes in
            var received = 0
            while received < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[received..<count])
                let count = recv(descriptor, rest.baseAddress, rest.count, Int32(MSG_WAITALL))
                guard count > 0 else { throw Failure("the broker closed the connection") }
                received += count
            }
        }
    }
}
