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

    mutating func update(_ bytes: UnsafeRawBufferPointer) throws(ModelStoreError) {
        guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            throw Self.failure
        }
    }

    /// The digest as 64 lower-case hexadecimal digits; nothing may be added after.
    mutating func finish() throws(ModelStoreError) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else { throw Self.failure }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }

    private static let failure = ModelStoreError(
        .other,
        "OpenSSL cannot compute SHA-256",
        remedy: "check the installed libssl (openssl dgst -sha256 must work)"
    )
}

/// Hashes of content, as they name blobs.
public enum ContentHash {
    /// SHA-256 of the chunks one after another, as 64 lower-case hexadecimal digits.
    public static func sha256(_ chunks: [[UInt8]]) throws(ModelStoreError) -> String {
        var digest = try SHA256()
        for chunk in chunks {
            try chunk.withUnsafeBytes { bytes in
                Result { () throws(ModelStoreError) in try digest.update(bytes) }
            }.get()
        }
        return try digest.finish()
    }
}
