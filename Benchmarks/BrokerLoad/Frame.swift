// Requests and answers as bytes. Written for the load alone and not with the broker's own codec, so
// that an error in that one cannot hide here. Only versions without compact types are used.
import CKernels
import Foundation

/// One request, ready to be sent as often as wanted.
struct Frame {
    private(set) var bytes: [UInt8] = [0, 0, 0, 0]

    /// Begins a request with correlation id 0.
    init(key: Int16, version: Int16) {
        integer(key)
        integer(version)
        integer(Int32(0))
        string("broker-load")
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String?) {
        integer(Int16(text?.utf8.count ?? -1))
        bytes.append(contentsOf: (text ?? "").utf8)
    }

    mutating func block(_ block: [UInt8]) {
        integer(Int32(block.count))
        bytes.append(contentsOf: block)
    }

    /// The bytes to send, with their size in front.
    func finished() -> [UInt8] {
        var frame = bytes
        let size = UInt32(frame.count - 4)
        for index in 0..<4 { frame[index] = UInt8(truncatingIfNeeded: size >> (24 - 8 * index)) }
        return frame
    }
}

/// Reads an answer from its start, after the correlation id.
struct Answer {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 4

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func integer<T: FixedWidthInteger>(as type: T.Type = T.self) throws -> T {
        guard bytes.count - position >= MemoryLayout<T>.size else { throw Failure("short answer") }
        defer { position += MemoryLayout<T>.size }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    mutating func skip(_ count: Int) throws {
        guard count >= 0, bytes.count - position >= count else { throw Failure("short answer") }
        position += count
    }

    mutating func skipString() throws { try skip(max(0, Int(try integer(as: Int16.self)))) }

    /// Throws unless the error code that follows is 0.
    mutating func checkErrorCode(_ what: String) throws {
        let code = try integer(as: Int16.self)
        guard code == 0 else { throw Failure("\(what): error \(code)") }
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A record batch as a producer sends it.
struct Batch {
    var recordByteCount = 100
    var recordCount = 1
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    var baseSequence: Int32 = -1
    var isTransactional = false
    private static let headerByteCount = 61

    /// The batch whose size comes nearest to `byteCount` from below.
    static func of(byteCount: Int, recordByteCount: Int) -> Batch {
        let room = max(1, byteCount - headerByteCount)
        // Length, attributes, two deltas, key, value's length and headers take up to 12 bytes.
        let value = max(1, min(recordByteCount, room - 12))
        var batch = Batch(recordByteCount: value, recordCount: max(1, room / (value + 12)))
        while batch.records(batch.recordCount + 1).count <= room { batch.recordCount += 1 }
        return batch
    }

    /// The batch's bytes.
    func encoded() -> [UInt8] {
        let records = records(recordCount)
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        var tail = Bytes()
        tail.integer(Int16(isTransactional ? 1 << 4 : 0))
        tail.integer(Int32(recordCount - 1))
        tail.integer(now)
        tail.integer(now)
        tail.integer(producerID)
        tail.integer(producerEpoch)
        tail.integer(baseSequence)
        tail.integer(Int32(recordCount))
        tail.bytes += records
        var batch = Bytes()
        batch.integer(Int64(0))
        batch.integer(Int32(4 + 1 + 4 + tail.bytes.count))
        batch.integer(Int32(-1))
        batch.integer(Int8(2))
        batch.integer(tail.bytes.withUnsafeBytes { ck_crc32c(0, $0.baseAddress, $0.count) })
        return batch.bytes + tail.bytes
    }

    private func records(_ count: Int) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        var records = Bytes()
        for index in 0..<count {
            var record = Bytes()
            record.integer(Int8(0))
            record.varint(0)
            record.varint(index)
            record.varint(-1)
            record.varint(recordByteCount)
            let byte = UInt8.random(in: 0...255, using: &random)
            record.bytes += [UInt8](repeating: byte, count: recordByteCount)
            record.varint(0)
            records.varint(record.bytes.count)
            records.bytes += record.bytes
        }
        return records.bytes
    }

    private struct Bytes {
        var bytes: [UInt8] = []

        mutating func integer(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func varint(_ value: Int) {
            var rest = UInt64(bitPattern: Int64((value << 1) ^ (value >> 63)))
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }
}
