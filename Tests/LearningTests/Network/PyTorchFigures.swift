import Foundation
import Learning
import Testing

/// What PyTorch computed: Tests/Reference/network.safetensors, which network.py beside it made.
struct PyTorchFigures {
    private let file: SafetensorsFile

    init() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        file = try SafetensorsFile(
            path: tests.appendingPathComponent("Reference/network.safetensors").path
        )
    }

    func numbers(_ name: String) throws -> [Float] { try file.values(name, of: Float.self) }

    func integers(_ name: String) throws -> [Int] {
        try file.values(name, of: Int32.self).map { Int($0) }
    }

    func shape(_ name: String) throws -> [Int] { try file.type(of: name).shape }
}

/// How far two rows of numbers are apart at most; infinite if one is not a number.
func distance(_ found: some Sequence<Float>, _ expected: some Sequence<Float>) -> Float {
    var largest: Float = 0
    var (left, right) = (found.makeIterator(), expected.makeIterator())
    while true {
        switch (left.next(), right.next()) {
        case (nil, nil): return largest
        case (let a?, let b?):
            let difference = abs(a - b)
            largest = difference <= .infinity ? max(largest, difference) : .infinity
        default: return .infinity
        }
    }
}

/// A batch of lines with memory of its own.
struct OwnedPlanes {
    let buffer: FloatBuffer
    let planes: Planes

    init(widths: [Int], height: Int, channels: Int, border: Int = 0) {
        let layout = PlaneLayout(
            widths: widths,
            height: height,
            channels: channels,
            border: border
        )
        buffer = FloatBuffer()
        planes = Planes(layout, in: buffer)
        // What nobody writes must not be taken for a zero.
        buffer.fill(.nan)
        for line in 0..<widths.count { planes.clearBorders(line) }
    }

    /// Writes the pixels of a line: [height][width][channels].
    func write(_ numbers: [Float], line: Int, channels: Int) {
        let width = planes.layout.widths[line]
        for y in 0..<planes.layout.height {
            for x in 0..<width {
                let pixel = planes.row(line, y) + x * planes.layout.stride
                for c in 0..<planes.layout.stride {
                    pixel[c] = c < channels ? numbers[(y * width + x) * channels + c] : 0
                }
            }
        }
    }

    /// The pixels of a line, without borders and rounding up.
    func read(line: Int, channels: Int) -> [Float] {
        var numbers: [Float] = []
        for y in 0..<planes.layout.height {
            for x in 0..<planes.layout.widths[line] {
                let pixel = planes.row(line, y) + x * planes.layout.stride
                numbers += UnsafeBufferPointer(start: pixel, count: channels)
            }
        }
        return numbers
    }
}

/// A parameter with rows rounded up to 8 columns.
func padded(_ numbers: [Float], columns: Int) -> FloatBuffer {
    let stride = (columns + 7) / 8 * 8
    let buffer = FloatBuffer(count: numbers.count / columns * stride)
    for (index, number) in numbers.enumerated() {
        buffer.base[index / columns * stride + index % columns] = number
    }
    return buffer
}

/// The numbers of a parameter without what its rows are rounded up by.
func unpadded(_ buffer: FloatBuffer, columns: Int) -> [Float] {
    let stride = (columns + 7) / 8 * 8
    return (0..<(buffer.count / stride * columns)).map {
        buffer.base[$0 / columns * stride + $0 % columns]
    }
}

/// Numbers between -1 and 1 that depend on the key only.
func seededNumbers(_ count: Int, key: UInt64) -> [Float] {
    var random = KeyedRandom(key: key)
    return (0..<count).map { _ in Float(random.unit() * 2 - 1) }
}
