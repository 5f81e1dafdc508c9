import Foundation
internal import Learning

/// Fine waves such as securities are printed with: curves of which each is a sine along one
/// direction whose place swings with another.
struct Guilloche {
    /// How the brightness changes across a wave.
    enum Profile: CaseIterable {
        /// Softly, to both sides.
        case sine
        /// A thin line.
        case line
        /// Two thin lines.
        case doubleLine
    }

    /// One family of waves.
    struct Wave {
        /// Of brightness; negative is darker.
        var strength: Float
        /// Phase a pixel to the right and down, in turns.
        var right: Double
        var down: Double
        /// How far the place swings, in turns, and how fast, in turns a pixel.
        var swing: Double
        var swingRight: Double
        var swingDown: Double
        var phase: Double
        var profile: Profile
    }

    private static let tableSize = 512

    /// The brightness over a turn, of each profile: 0 to 1.
    private static let tables: [Profile: [Float]] = Dictionary(
        uniqueKeysWithValues: Profile.allCases.map { profile in
            (
                profile,
                (0..<tableSize).map { index in
                    let turn = Double(index) / Double(tableSize)
                    let distance = abs(turn - 0.5)
                    return switch profile {
                    case .sine: Float(0.5 - 0.5 * cos(2 * .pi * turn))
                    case .line: Float(exp(-pow(distance / 0.09, 2)))
                    case .doubleLine: Float(exp(-pow((distance - 0.16) / 0.06, 2)))
                    }
                }
            )
        }
    )

    /// Waves by chance, of 5 to 30 pixels at a `scale` of 1.
    static func random(
        count: Int,
        strength: Float,
        scale: Double,
        _ random: inout KeyedRandom
    ) -> [Wave] {
        (0..<count).map { _ in
            let angle = 2 * Double.pi * random.unit()
            let frequency = 1 / (random.uniform(5.0...30) * scale)
            let slow = random.uniform(0.05...0.35) * frequency
            let swingAngle = 2 * Double.pi * random.unit()
            return Wave(
                strength: strength * Float(random.uniform(0.4...1.0))
                    * (random.chance(0.75) ? -1 : 1),
                right: frequency * cos(angle),
                down: frequency * sin(angle),
                swing: random.uniform(0.2...2.2),
                swingRight: slow * cos(swingAngle),
                swingDown: slow * sin(swingAngle),
                phase: random.unit(),
                profile: random.pick(Profile.allCases)
            )
        }
    }

    /// Adds waves to a picture.
    static func add(_ waves: [Wave], to canvas: inout Canvas) {
        let (width, height) = (canvas.width, canvas.height)
        var columns = [Float](repeating: 0, count: width)
        var swings = [Float](repeating: 0, count: width)
        for wave in waves {
            guard let table = tables[wave.profile] else { continue }
            // sin(a + b) = sin a cos b + cos a sin b: the swing needs no sine for each pixel.
            var cosines = [Float](repeating: 0, count: width)
            for x in 0..<width {
                columns[x] = Float(wave.right * Double(x))
                let angle = 2 * .pi * wave.swingRight * Double(x)
                swings[x] = Float(wave.swing * sin(angle))
                cosines[x] = Float(wave.swing * cos(angle))
            }
            canvas.values.withUnsafeMutableBufferPointer { values in
                table.withUnsafeBufferPointer { table in
                    for y in 0..<height {
                        // Far from zero, so that every phase is positive.
                        let start = Float(wave.phase + wave.down * Double(y)) + 4096
                        let angle = 2 * .pi * wave.swingDown * Double(y)
                        let (sine, cosine) = (Float(sin(angle)), Float(cos(angle)))
                        for x in 0..<width {
                            let turn =
                                start + columns[x] + swings[x] * cosine + cosines[x] * sine
                            let place = Int32(turn * Float(tableSize))
                            values[y * width + x] +=
                                wave.strength * table[Int(place) & (tableSize - 1)]
                        }
                    }
                }
            }
        }
    }
}
