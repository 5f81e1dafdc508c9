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
    /// e^x = 2^n · e^r, with |r| at most ln 2 / 2.
    static func exp(_ x: Double) -> Double {
        let n = (x / ln2).rounded()
        let r = x - n * ln2
        var term = 1.0
        var sum = 1.0
        // The term after these, r^11/11!, is under 1e-12.
        for k in 1...10 {
            term *= r / Double(k)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(n), significand: sum)
    }
}
