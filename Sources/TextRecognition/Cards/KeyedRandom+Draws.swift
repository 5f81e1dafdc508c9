import Foundation
internal import Learning

/// What the generators draw.
extension KeyedRandom {
    /// What the numbers of an index are for: none of these share theirs.
    enum Purpose: UInt64 {
        case line = 0x11
        case scene = 0x12
        case detection = 0x13
        case corners = 0x14
    }

    /// The numbers for what is made at an index.
    init(seed: UInt64, _ purpose: Purpose, index: Int) {
        self.init(seed: seed, purpose: purpose.rawValue, partition: 0, offset: Int64(index))
    }

    /// A number in the range, all alike.
    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + unit() * (range.upperBound - range.lowerBound)
    }

    /// The same as `Float`.
    mutating func uniform(_ range: ClosedRange<Float>) -> Float {
        range.lowerBound + Float(unit()) * (range.upperBound - range.lowerBound)
    }

    /// An integer in the range, all alike.
    mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + index(below: range.count)
    }

    /// True with a probability.
    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// One of the elements, of which there must be one.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[index(below: elements.count)]
    }

    /// Normally distributed around 0 with deviation 1 (Box and Muller, 1958).
    mutating func normal() -> Double {
        (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit())
    }
}
