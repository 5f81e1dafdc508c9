import CKernels

/// The bare update of biased factorization, k = 64: dot product, then both rows.
///
/// No decoding, no ids, no bookkeeping: the ceiling for everything above it.
enum KernelBenchmark {
    static let dimensions = 64

    /// Updates per second on `users` × `items` rows drawn at random, asking for rows `ahead` early.
    static func updatesPerSecond(users: Int, items: Int, ahead: Int) -> Double {
        let updates = 2_000_000
        let (k, rows) = (dimensions, users + items)
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: rows * k * MemoryLayout<Float>.stride,
            alignment: 64
        )
        defer { memory.deallocate() }
        let floats = memory.bindMemory(to: Float.self)
        var random = SplitMix64(state: 1)
        for index in floats.indices {
            floats[index] = Float(random.next() >> 40) * 0x1p-24 - 0.5
        }
        guard let base = floats.baseAddress else { return 0 }
        let userRows = (0..<updates).map { _ in Int(random.next() % UInt64(users)) }
        let itemRows = (0..<updates).map { _ in users + Int(random.next() % UInt64(items)) }
        let seconds = bestSeconds(runs: 5) {
            for index in 0..<updates {
                if index + ahead < updates {
                    ck_prefetch_row(base + userRows[index + ahead] * k, k)
                    ck_prefetch_row(base + itemRows[index + ahead] * k, k)
                }
                let (p, q) = (base + userRows[index] * k, base + itemRows[index] * k)
                ck_sgd_pair(p, q, 0.5 - ck_dot(p, q, k), k, 0.01, 0.1)
            }
        }
        return Double(updates) / seconds
    }
}
