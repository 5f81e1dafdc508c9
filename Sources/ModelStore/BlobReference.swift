/// Names a file of the store by what is in it.
public struct BlobReference: Codable, Hashable, Sendable {
    /// The SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
    public var hash: String
    /// The number of bytes.
    public var byteCount: Int64

    /// Names a file.
    public init(hash: String, byteCount: Int64) {
        self.hash = hash
        self.byteCount = byteCount
    }

    /// References also arrive in messages: only a well-formed hash may become part of a path.
    var isWellFormed: Bool {
        let digits = hash.utf8
        return digits.count == 64 && byteCount >= 0
            && digits.allSatisfy { digit in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(digit)
            }
    }
}
