import COpenSSL

/// A running SHA-256 through OpenSSL's EVP interface (manual page EVP_DigestInit(3)).
struct SHA256: ~Copyable {
    private let context: OpaquePointer

    init() throws(ModelStoreError) {
        guard let context = EVP_MD_CTX_new() else { throw Self.failure }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw Self.failure
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    mutating func update(_ bytes: [UInt8]) throws(ModelStoreError) {
        guard bytes.withUnsafeBytes({ EVP_DigestUpdate(context, $0.baseAddress, $0.count) }) == 1
        else { throw Self.failure }
    }

    /// The digest as 64 lower-case hexadecimal digits; ends the run.
    consuming func finish() throws(ModelStoreError) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else { throw Self.failure }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }

    static func hash(_ bytes: [UInt8]) throws(ModelStoreError) -> String {
        var digest = try SHA256()
        try digest.update(bytes)
        return try digest.finish()
    }

    private static let failure = ModelStoreError(
        .other,
        "OpenSSL cannot compute SHA-256",
        remedy: "check the installed libssl (openssl dgst -sha256 must work)"
    )
}
