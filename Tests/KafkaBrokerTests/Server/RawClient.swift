import Foundation
import KafkaWire

/// A client of a few lines over a plain socket, so that tests decide every byte.
final class RawClient {
    private let handle: Int32
    private var correlationID: Int32 = 0

    struct ConnectionClosed: Error {}

    /// No answer came while a test waited for one.
    struct NoAnswer: Error {}

    init(port: Int, receiveBufferBytes: Int32? = nil, isIPv6: Bool = false) throws {
        handle = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A test that waits longer than this for an answer has failed.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        if var receiveBufferBytes {
            setsockopt(handle, SOL_SOCKET, SO_RCVBUF, &receiveBufferBytes, 4)
        }
        let result = isIPv6 ? connect(sockaddr_in6(port: port)) : connect(sockaddr_in(port: port))
        guard result == 0 else { throw ConnectionClosed() }
    }

    deinit { close(handle) }

    private func connect<Address>(_ address: Address) -> Int32 {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(handle, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    /// Whether an answer, or the end of the connection, can be read right now.
    var hasSomethingToRead: Bool {
        var descriptor = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                uninterrupted {
                    Foundation.send(
                        handle,
                        buffer.baseAddress.map { $0 + sent },
                        bytes.count - sent,
                        Int32(MSG_NOSIGNAL)
                    )
                }
            }
            guard count > 0 else { throw ConnectionClosed() }
            sent += count
        }
    }

    /// Reads exactly so many bytes.
    func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                uninterrupted {
                    recv(handle, buffer.baseAddress.map { $0 + filled }, count - filled, 0)
                }
            }
            if read < 0, errno == EAGAIN { throw NoAnswer() }
            guard read > 0 else { throw ConnectionClosed() }
            filled += read
        }
        return bytes
    }

    /// Repeats a call that a signal has interrupted.
    ///
    /// A socket with a time limit is interrupted even where the process was only stopped and
    /// continued: signal(7).
    private func uninterrupted(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// Reads a whole answer, without its length.
    func receiveFrame() throws -> [UInt8] {
        let size = try receive(4).reduce(0) { $0 << 8 | Int($1) }
        return try receive(size)
    }

    /// Whether the broker closes the connection; waits for it.
    func isClosedByBroker() -> Bool {
        do {
            _ = try receive(1)
            return false
        } catch {
            return error is ConnectionClosed
        }
    }

    /// The bytes of a request, length included.
    func frame(
        _ key: APIKey,
        version: Int16,
        body: [UInt8],
        correlationID: Int32 = 1,
        clientID: String? = "test"
    ) throws -> [UInt8] {
        var writer = WireWriter()
        let header = RequestHeader(
            key: key,
            version: version,
            correlationID: correlationID,
            clientID: clientID
        )
        try header.encode(into: &writer)
        var frame = WireWriter()
        frame.integer(Int32(writer.bytes.count + body.count))
        frame.raw(writer.bytes)
        frame.raw(body)
        return frame.bytes
    }

    /// Sends a request and reads its answer.
    func request(_ key: APIKey, version: Int16, _ fields: Fields = Fields()) throws -> Fields {
        correlationID += 1
        let body = try MessageCodec.encodeRequest(key, version: version, fields)
        try send(frame(key, version: version, body: body, correlationID: correlationID))
        return try response(key, version: version, correlationID: correlationID)
    }

    /// Sends a request with correlation id 1, whose answer may be long in coming.
    func begin(_ key: APIKey, version: Int16, _ fields: Fields) throws {
        let body = try MessageCodec.encodeRequest(key, version: version, fields)
        try send(frame(key, version: version, body: body))
    }

    /// Reads the answer to a request that was sent.
    func response(_ key: APIKey, version: Int16, correlationID: Int32) throws -> Fields {
        let header = RequestHeader(
            key: key,
            version: version,
            correlationID: correlationID,
            clientID: nil
        )
        return try MessageCodec.decodeResponseFrame(try receiveFrame(), to: header)
    }
}

extension sockaddr_in {
    /// A port of 127.0.0.1.
    fileprivate init(port: Int) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = in_port_t(port).bigEndian
        sin_addr.s_addr = inet_addr("127.0.0.1")
    }
}

extension sockaddr_in6 {
    /// A port of ::1.
    fileprivate init(port: Int) {
        self.init()
        sin6_family = sa_family_t(AF_INET6)
        sin6_port = in_port_t(port).bigEndian
        sin6_addr = in6addr_loopback
    }
}
