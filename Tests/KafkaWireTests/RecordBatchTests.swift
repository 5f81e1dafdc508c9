import KafkaSamples
import Testing

@testable import KafkaWire

struct RecordBatchTests {
    /// A batch of kafka-python 2.0's: producer 4711, epoch 3, sequence 9; three records.
    static let golden =
        "0000000000000000000000540000000002788b45110000000000020000018bcfe568000000018bcfe56807"
        + "00000000000012670003000000090000000328000000046b310a68656c6c6f0402680276026e010c000e02"
        + "0100000c001304000100"

    static var goldenBytes: [UInt8] {
        let digits = Array(golden.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }

    static var goldenBuilder: RecordBatchBuilder {
        var builder = RecordBatchBuilder([
            .init(
                key: Array("k1".utf8),
                value: Array("hello".utf8),
                timestamp: 1_700_000_000_000,
                headers: [(key: "h", value: Array("v".utf8)), (key: "n", value: nil)]
            ),
            .init(key: nil, value: [], timestamp: 1_700_000_000_007),
            .init(key: [], value: nil, timestamp: 1_699_999_999_990),
        ])
        builder.header.producerID = 4711
        builder.header.producerEpoch = 3
        builder.header.baseSequence = 9
        builder.header.leaderEpoch = 0
        return builder
    }

    @Test func `a batch has the bytes that another implementation writes`() {
        #expect(Self.goldenBuilder.build() == Self.goldenBytes)
    }

    @Test func `a header says what another implementation wrote`() throws {
        let header = try #require(Self.goldenBytes.withUnsafeBytes { RecordBatchHeader($0) })
        #expect(header.totalByteCount == Self.goldenBytes.count)
        #expect(header.checksum == 0x788B_4511)
        #expect(header.compression == RecordBatchHeader.Compression.none)
        #expect(header.recordCount == 3 && header.lastOffsetDelta == 2)
        #expect(header.baseTimestamp == 1_700_000_000_000)
        #expect(header.maxTimestamp == 1_700_000_000_007)
        #expect(header.producerID == 4711 && header.producerEpoch == 3)
        #expect(header.baseSequence == 9 && header.lastSequence == 11)
        #expect(!header.isControl && !header.isTransactional && !header.usesAppendTime)
        var written = [UInt8](repeating: 0, count: RecordBatchHeader.byteCount)
        written.withUnsafeMutableBytes { header.write(to: $0) }
        #expect(written == Array(Self.goldenBytes.prefix(RecordBatchHeader.byteCount)))
    }

    @Test func `sequence numbers wrap inside a batch`() {
        var header = RecordBatchHeader()
        header.baseSequence = Int32.max - 1
        header.lastOffsetDelta = 4
        #expect(header.lastSequence == 2)
        header.baseSequence = Int32.max
        header.lastOffsetDelta = 0
        #expect(header.lastSequence == Int32.max)
    }

    @Test func `the records of a batch are found where they are`() throws {
        let records = Array(Self.goldenBytes[RecordBatchHeader.byteCount...])
        try records.withUnsafeBytes { bytes in
            var cursor = RecordCursor(bytes)
            let first = try cursor.next()
            #expect(first.key.map { Array(bytes[$0]) } == Array("k1".utf8))
            #expect(first.value.map { Array(bytes[$0]) } == Array("hello".utf8))
            #expect(first.offsetDelta == 0)
            let second = try cursor.next()
            #expect(second.key == nil && second.value?.isEmpty == true)
            #expect(second.timestampDelta == 7 && second.offsetDelta == 1)
            let third = try cursor.next()
            #expect(third.key?.isEmpty == true && third.value == nil)
            #expect(third.timestampDelta == -10 && third.offsetDelta == 2)
            #expect(cursor.isAtEnd)
            #expect(throws: WireError.self) { try cursor.next() }
        }
    }

    @Test func `cut off records are refused wherever they end`() {
        let records = Array(Self.goldenBytes[RecordBatchHeader.byteCount...])
        for count in 0..<records.count {
            let complete = Self.countRecords(Array(records.prefix(count)))
            #expect(complete < 3)
        }
        #expect(Self.countRecords(records) == 3)
    }

    @Test func `damaged records never do more than be refused`() {
        var random = SplitMix(seed: 7)
        let records = Array(Self.goldenBytes[RecordBatchHeader.byteCount...])
        for _ in 0..<20_000 {
            var damaged = records
            for _ in 0..<(1 + Int(random.next() % 4)) {
                let index = Int(random.next() % UInt64(damaged.count))
                damaged[index] = UInt8(truncatingIfNeeded: random.next())
            }
            #expect(Self.countRecords(damaged) <= records.count)
        }
    }

    @Test func `a header is implausible unless a batch can follow`() {
        var header = RecordBatchHeader()
        header.batchLength = 100
        #expect(header.isPlausible(available: 112))
        #expect(!header.isPlausible(available: 111))
        header.batchLength = 48
        #expect(!header.isPlausible(available: 112))
        header.batchLength = -1
        #expect(!header.isPlausible(available: 112))
        header.batchLength = 100
        header.baseOffset = Int64.max
        #expect(!header.isPlausible(available: 112))
        header.baseOffset = 0
        header.magic = 1
        #expect(!header.isPlausible(available: 112))
    }

    private static func countRecords(_ records: [UInt8]) -> Int {
        records.withUnsafeBytes { bytes in
            var cursor = RecordCursor(bytes)
            var count = 0
            while !cursor.isAtEnd, (try? cursor.next()) != nil { count += 1 }
            return count
        }
    }
}
