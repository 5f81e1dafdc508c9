public import ModelStore

/// Users who are left out of a rebuilt model, named by salted hashes: whoever reads the store does
/// not learn who they were, but a user who is known can be checked against it.
///
/// A hash is `SALT:DIGEST`: 32 hexadecimal digits, and the SHA-256 of those and the user's id. Owned
/// by one thread.
public final class ForgottenUsers {
    private let hashes: [(salt: [UInt8], digest: String)]
    /// Users asked for before, with the index of their hash, -1 for none; started anew when it has
    /// grown to `limit`.
    private var known: [[UInt8]: Int] = [:]
    private var foundCounts: [Int]
    private static let limit = 1_000_000

    /// The salted hash of a user's id.
    public static func hash(_ user: [UInt8]) throws(ModelStoreError) -> String {
        let salt = (0..<4).map { _ in String(UInt32.random(in: 0 ... .max), radix: 16) }
            .map { String(repeating: "0", count: 8 - $0.count) + $0 }.joined()
        return "\(salt):\(try ContentHash.sha256([Array(salt.utf8), user]))"
    }

    /// The users that hashes name; a text that is no such hash names nobody.
    public init(_ hashes: [String]) {
        self.hashes = hashes.compactMap { text in
            let parts = text.split(separator: ":")
            return parts.count == 2 ? (Array(parts[0].utf8), String(parts[1])) : nil
        }
        foundCounts = [Int](repeating: 0, count: self.hashes.count)
    }

    /// Whether they are none.
    var isEmpty: Bool { hashes.isEmpty }

    /// How often the user with this hash has been asked for.
    func foundCount(of hash: String) -> Int {
        zip(hashes, foundCounts).reduce(0) { sum, next in
            let (salt, digest) = next.0
            return hash == String(decoding: salt, as: UTF8.self) + ":" + digest
                ? sum + next.1 : sum
        }
    }

    /// Whether a user is one of them.
    public func contains(_ user: UnsafeRawBufferPointer) -> Bool {
        guard !hashes.isEmpty else { return false }
        let user = Array(user)
        let index = known[user] ?? find(user)
        if index >= 0 { foundCounts[index] += 1 }
        return index >= 0
    }

    private func find(_ user: [UInt8]) -> Int {
        let index = hashes.firstIndex { salt, digest in
            (try? ContentHash.sha256([salt, user])) == digest
        }
        if known.count >= Self.limit { known = [:] }
        known[user] = index ?? -1
        return index ?? -1
    }
}
