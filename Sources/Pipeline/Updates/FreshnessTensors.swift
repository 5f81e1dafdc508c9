import Learning

/// The timestamps of the events behind a delta, so that a scorer can tell for each of them how long
/// it took to become servable.
///
/// Equal timestamps travel once, with their count.
enum FreshnessTensors {
    private static let timestampsName = "freshness.timestamps"
    private static let countsName = "freshness.counts"

    /// Adds timestamps (milliseconds since 1970, any order) to a delta: `[T]` and `[T]`.
    static func add(_ timestamps: [Int64], to delta: inout NamedTensors) {
        var distinct: [Int64] = []
        var counts: [Int64] = []
        for timestamp in timestamps.sorted() {
            if distinct.last == timestamp {
                counts[counts.count - 1] += 1
            } else {
                distinct.append(timestamp)
                counts.append(1)
            }
        }
        delta[timestampsName] = Tensor(distinct)
        delta[countsName] = Tensor(counts)
    }

    /// Takes the timestamps out of a delta; empty when it has none.
    static func take(
        from delta: inout NamedTensors
    ) throws(LearningError) -> [(timestamp: Int64, count: Int64)] {
        guard delta[timestampsName] != nil else { return [] }
        let timestamps = try delta.values(timestampsName, of: Int64.self, shape: [-1])
        let counts = try delta.values(countsName, of: Int64.self, shape: [timestamps.count])
        delta[timestampsName] = nil
        delta[countsName] = nil
        return Array(zip(timestamps, counts))
    }
}
