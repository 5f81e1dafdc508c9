import NIOCore
import Testing

@testable import KafkaBroker

struct FrameAssemblerTests {
    private let first: [UInt8] = [0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    private let second: [UInt8] = [0, 0, 0, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1]

    @Test func `requests are cut out of bytes that arrive one by one`() throws {
        var assembler = FrameAssembler(maximumSize: 100)
        var frames: [[UInt8]] = []
        for byte in first + second {
            try assembler.append(ByteBuffer(bytes: [byte]))
            while let frame = try assembler.next() { frames.append(Array(frame.readableBytesView)) }
        }
        #expect(frames == [Array(first[4...]), Array(second[4...])])
        #expect(!assembler.isInFrame)
    }

    @Test func `two requests that arrive together are two requests`() throws {
        var assembler = FrameAssembler(maximumSize: 100)
        try assembler.append(ByteBuffer(bytes: first + second + [0, 0]))
        #expect(assembler.hasFrame)
        #expect(try assembler.next().map { Array($0.readableBytesView) } == Array(first[4...]))
        #expect(try assembler.next().map { Array($0.readableBytesView) } == Array(second[4...]))
        #expect(try assembler.next() == nil)
        #expect(assembler.isInFrame)
    }

    @Test(arguments: [[0, 0, 0, 0], [0, 0, 0, 7], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 101]])
    func `a length that no request can have is refused`(_ bytes: [UInt8]) {
        var assembler = FrameAssembler(maximumSize: 100)
        #expect(throws: BrokerError.self) { try assembler.append(ByteBuffer(bytes: bytes)) }
    }

    @Test func `a bad length behind a good request is refused with it`() throws {
        var assembler = FrameAssembler(maximumSize: 100)
        try assembler.append(ByteBuffer(bytes: first + [0, 0, 0, 1]))
        #expect(throws: BrokerError.self) { try assembler.next() }
    }
}
