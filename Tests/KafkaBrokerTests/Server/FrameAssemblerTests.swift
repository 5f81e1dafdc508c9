import NIOCore
import Testing

@testable import KafkaBroker

struct FrameAssemblerTests {
    private let first: [UInt8] = [0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    private let second: [UInt8] = [0, 0, 0, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1]

    @Test func `requests are cut out of bytes that arrive one by one`() throws {
        var assembler = FrameAssembler(maximumSize: 100, buffers: FrameBuffers())
        var frames: [[UInt8]] = []
        for byte in first + second {
            try assembler.append(ByteBuffer(bytes: [byte]))
            while let frame = try assembler.next() { frames.append(Array(frame.readableBytesView)) }
        }
        #expect(frames == [Array(first[4...]), Array(second[4...])])
        #expect(!assembler.isInFrame)
    }

    @Test func `two requests that arrive together are two requests`() throws {
        var assembler = FrameAssembler(maximumSize: 100, buffers: FrameBuffers())
        try assembler.append(ByteBuffer(bytes: first + second + [0, 0]))
        #expect(assembler.hasFrame)
        #expect(try assembler.next().map { Array($0.readableBytesView) } == Array(first[4...]))
        #expect(try assembler.next().map { Array($0.readableBytesView) } == Array(second[4...]))
        #expect(try assembler.next() == nil)
        #expect(assembler.isInFrame)
    }

    @Test(arguments: [[0, 0, 0, 0], [0, 0, 0, 7], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 101]])
    func `a length that no request can have is refused`(_ bytes: [UInt8]) {
        var assembler = FrameAssembler(maximumSize: 100, buffers: FrameBuffers())
        #expect(throws: BrokerError.self) { try assembler.append(ByteBuffer(bytes: bytes)) }
    }

    @Test func `a bad length behind a good request is refused with it`() throws {
        var assembler = FrameAssembler(maximumSize: 100, buffers: FrameBuffers())
        try assembler.append(ByteBuffer(bytes: first + [0, 0, 0, 1]))
        #expect(throws: BrokerError.self) { try assembler.next() }
    }

    @Test func `memory does not grow with the number of requests`() throws {
        var assembler = FrameAssembler(maximumSize: 1000, buffers: FrameBuffers())
        let stream = (0..<5000).flatMap { _ in first + second }
        for start in stride(from: 0, to: stream.count, by: 7) {
            let piece = stream[start..<min(start + 7, stream.count)]
            try assembler.append(ByteBuffer(bytes: piece))
            while try assembler.next() != nil {}
            #expect(assembler.capacity < 1000)
        }
    }

    @Test func `large requests keep their bytes while their memory is used again`() throws {
        let buffers = FrameBuffers()
        var assembler = FrameAssembler(maximumSize: 1 << 24, buffers: buffers)
        let size = 300_000
        var stream = ByteBuffer()
        for number in 0..<20 {
            stream.writeInteger(Int32(size))
            stream.writeRepeatingByte(UInt8(number), count: size)
        }
        var number: UInt8 = 0
        while let piece = stream.readSlice(length: min(50_001, stream.readableBytes)),
            piece.readableBytes > 0
        {
            try assembler.append(piece)
            while let frame = try assembler.next() {
                #expect(frame.readableBytes == size)
                #expect(frame.readableBytesView.allSatisfy { $0 == number })
                buffers.give(frame)
                number += 1
            }
        }
        #expect(number == 20)
    }
}
