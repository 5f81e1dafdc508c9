import Learning

/// Raw events that own their bytes, for learners that borrow them.
struct EncodedStream {
    var values: [[UInt8]?] = []

    init(values: [[UInt8]?]) { self.values = values }

    init(_ texts: [String]) { values = texts.map { Array($0.utf8) } }

    /// Events `range` as a learner gets them: partition 0, offsets from 0, a record a second.
    func withEncoded<Result>(
        _ range: Range<Int>,
        _ body: (EncodedBatch) -> Result
    ) -> Result {
        var arena: [UInt8] = []
        var ranges: [Range<Int>?] = []
        for value in values[range] {
            ranges.append(value.map { arena.count..<(arena.count + $0.count) })
            arena.append(contentsOf: value ?? [])
        }
        return arena.withUnsafeBytes { bytes in
            let events = ranges.enumerated().map { index, bounds in
                EncodedEvent(
                    partition: 0,
                    offset: Int64(range.lowerBound + index),
                    recordTimestamp: Int64(range.lowerBound + index) * 1000,
                    key: nil,
                    value: bounds.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
                )
            }
            return events.withUnsafeBufferPointer { body(EncodedBatch($0)) }
        }
    }

    var indices: Range<Int> { 0..<values.count }
}

extension NamedTensors {
    /// The state as one file.
    var file: [UInt8] { Safetensors.encode(self, metadata: []).flatMap { $0 } }
}
