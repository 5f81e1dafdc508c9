import Foundation
import KafkaWire

/// A connection for what librdkafka cannot ask a broker: sizes, transactions, all groups at once.
///
/// Plain TCP, one question at a time. Owned by one thread, which each question blocks.
final class BrokerConnection {
    /// The address that answered.
    let address: String
    private let descriptor: Int32
    /// What the broker offers.
    private var versions: [APIKey: ClosedRange<Int16>] = [:]
    private var correlationID: Int32 = 0
    /// Larger answers are not taken: a broker with 100,000 partitions needs some 10 MB.
    private static let largestAnswer = 256 << 20

    /// Connects to the first address that answers.
    ///
    /// - Parameters:
    ///   - servers: Addresses as in `bootstrap.servers`.
    ///   - timeout: How long to wait for a connection, and for each answer.
    /// - Throws: `CommandFailure`, with exit status 3 when nobody answers.
    init(_ servers: String, timeout: Duration) throws(CommandFailure) {
        var reasons: [String] = []
        for server in servers.split(separator: ",") {
            let server = server.trimmingCharacters(in: .whitespaces)
            if let descriptor = Self.connect(server, timeout, &reasons) {
                self.descriptor = descriptor
                address = server
                try learnVersions()
                return
            }
        }
        throw CommandFailure(
            .unreachable,
            "no Kafka broker answers at \(servers)",
            remedy: "check the address and that the broker runs "
                + "(\(reasons.joined(separator: "; ")))"
        )
    }

    deinit { close(descriptor) }

    /// Asks in the newest version that both know.
    func ask(_ key: APIKey, _ request: Fields = [:]) throws(CommandFailure) -> Fields {
        guard let offered = versions[key], let known = MessageSchema.of(key)?.versions,
            offered.overlaps(known)
        else {
            throw CommandFailure(
                .failure,
                "the broker at \(address) does not answer \(key)",
                remedy: "ask an embedded broker of this version of freshet"
            )
        }
        return try ask(key, min(offered.upperBound, known.upperBound), request)
    }

    private func learnVersions() throws(CommandFailure) {
        for range in try ask(.apiVersions, 0, [:]).array("apiKeys") {
            let (low, high) = (range.int16("minVersion"), range.int16("maxVersion"))
            versions[APIKey(rawValue: range.int16("apiKey"))] = min(low, high)...high
        }
    }

    private func ask(
        _ key: APIKey,
        _ version: Int16,
        _ request: Fields
    ) throws(CommandFailure) -> Fields {
        correlationID += 1
        do throws(WireError) {
            let header = RequestHeader(
                key: key,
                version: version,
                correlationID: correlationID,
                clientID: "freshet"
            )
            var writer = WireWriter()
            writer.integer(Int32(0))
            try header.encode(into: &writer)
            writer.raw(try MessageCodec.encodeRequest(key, version: version, request))
            writer.patch(Int32(writer.bytes.count - 4), at: 0)
            try send(writer.bytes)
            return try decode(key, version, try receive())
        } catch {
            throw CommandFailure(
                .unreachable,
                "\(address) did not answer \(key): \(error.message)",
                remedy: "check that a Kafka broker without TLS listens there, and its log"
            )
        }
    }

    private func decode(
        _ key: APIKey,
        _ version: Int16,
        _ bytes: [UInt8]
    ) throws(WireError) -> Fields {
        guard let schema = MessageSchema.of(key) else { throw lost }
        let position = bytes.withUnsafeBytes { buffer in
            Result { () throws(WireError) in
                var reader = WireReader(buffer)
                let header = try ResponseHeader(from: &reader, schema, version: version)
                guard header.correlationID == correlationID else { throw lost }
                return reader.position
            }
        }
        let body = bytes[try position.get()...]
        return try MessageCodec.decodeResponse(key, version: version, Array(body))
    }
}

/// Bytes.
extension BrokerConnection {
    private var lost: WireError {
        let isLate = errno == EAGAIN || errno == EWOULDBLOCK
        return Self.failure(isLate ? "nothing came in time" : "the connection was closed")
    }

    private static func failure(_ message: String) -> WireError {
        WireError(.truncated, message, remedy: "ask again")
    }

    private func send(_ bytes: [UInt8]) throws(WireError) {
        try transfer(bytes.count) { offset in
            bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                return write(descriptor, rest.baseAddress, rest.count)
            }
        }
    }

    private func receive() throws(WireError) -> [UInt8] {
        let size = try receive(4).reduce(0) { $0 << 8 | Int($1) }
        guard size <= Self.largestAnswer else {
            throw Self.failure("an answer of \(size) bytes is announced")
        }
        return try receive(size)
    }

    private func receive(_ count: Int) throws(WireError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try transfer(count) { offset in
            bytes.withUnsafeMutableBytes { buffer in
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
                return read(descriptor, rest.baseAddress, rest.count)
            }
        }
        return bytes
    }

    /// Repeats a system call until it has moved so many bytes.
    private func transfer(
        _ count: Int,
        _ call: (_ offset: Int) -> Int
    ) throws(WireError) {
        var done = 0
        while done < count {
            errno = 0
            let moved = call(done)
            if moved < 0 && errno == EINTR { continue }
            guard moved > 0 else { throw lost }
            done += moved
        }
    }

    private static func connect(
        _ server: String,
        _ timeout: Duration,
        _ reasons: inout [String]
    ) -> Int32? {
        guard let colon = server.lastIndex(of: ":"), colon != server.startIndex else {
            reasons.append("\"\(server)\" is not host:port")
            return nil
        }
        let host = server[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(server[server.index(after: colon)...]), &hints, &list)
        guard code == 0 else {
            reasons.append("\(host): \(String(cString: gai_strerror(code)))")
            return nil
        }
        defer { freeaddrinfo(list) }
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            let descriptor = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
            guard descriptor >= 0 else { continue }
            let (seconds, attoseconds) = timeout.components
            // Linux has connect(2) keep the time for sending, too.
            var limit = timeval(
                tv_sec: Int(seconds),
                tv_usec: Int(attoseconds / 1_000_000_000_000)
            )
            for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
                let size = socklen_t(MemoryLayout<timeval>.size)
                setsockopt(descriptor, SOL_SOCKET, option, &limit, size)
            }
            if Foundation.connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 {
                return descriptor
            }
            reasons.append("\(server): \(String(cString: strerror(errno)))")
            close(descriptor)
        }
        return nil
    }
}
