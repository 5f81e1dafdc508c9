/// Logarithm and exponential that give the same bits on every machine.
///
/// Those of the C library differ between processors in the last bit; these use nothing but the
/// four operations, which IEEE 754 defines exactly. They are good to about 1e-9, enough to draw
/// random numbers with.
enum PortableMath {
    private static let ln2 = 0.693_147_180_559_945_3

    /// The natural logarithm of a positive, normal number.
    ///
    /// ln(m·2^e) = e·ln 2 + 2·artanh(t), t = (m − 1)/(m + 1), with m from √½ to √2, so |t| < 0.172.
    static func log(_ x: Double) -> Double {
        var mantissa = x.significand
        var exponent = Double(x.exponent)
        if mantissa > 1.414_213_562_373_095 {
            mantissa /= 2
            exponent += 1
        }
        let t = (mantissa - 1) / (mantissa + 1)
        let s = t * t
        // The next term, t^13/13, is under 1e-11.
        let series = 1 + s * (1 / 3.0 + s * (1 / 5.0 + s * (1 / 7.0 + s * (1 / 9.0 + s / 11.0))))
        return exponent * ln2 + 2 * t * series
    }

    /// e to the power of a number from -700 to 700.
    ///
    /// e^x = 2^n · e^r, with |r| at most ln 2 / 2; the series is cut after r^9/9!, under 1e-11.
    static func exp(_ x: Double) -> Double {
        let n = (x / ln2).rounded()
        let r = x - n * ln2
        let tail =
            1 + r * (1 / 6.0) * (1 + r * (1 / 7.0) * (1 + r * (1 / 8.0) * (1 + r * (1 / 9.0))))
        let series =
            1 + r * (1 + r * 0.5 * (1 + r * (1 / 3.0) * (1 + r * 0.25 * (1 + r * 0.2 * tail))))
        // A number between 2^-1010 and 2^1010 by its exponent's bits.
        return series * Double(bitPattern: UInt64(Int64(n) + 1023) << 52)
    }
}
