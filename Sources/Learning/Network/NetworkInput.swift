/// A picture as a network reads it: rows of one channel.
///
/// The network says how many rows.
public protocol NetworkInput {
    /// Columns.
    var width: Int { get }
    /// Row by row, `width` numbers each.
    var pixels: [Float] { get }
}

extension Planes {
    /// Writes the pixels of an input, and zeros around them, as the n-th line.
    public func write(_ input: some NetworkInput, at line: Int) {
        precondition(input.width == layout.widths[line] && layout.stride == 1)
        precondition(input.pixels.count == input.width * layout.height)
        clearBorders(line)
        input.pixels.withUnsafeBufferPointer { pixels in
            guard let source = pixels.baseAddress else { return }
            for y in 0..<layout.height {
                row(line, y).update(from: source + y * input.width, count: input.width)
            }
        }
    }
}
