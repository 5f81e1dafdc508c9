import Learning

/// Errors of prequential reading: over all labels, the last ones, and each slice.
///
/// A slice is a field of a design, such as `passport/number`. Spaces do not count.
struct SliceErrors {
    /// Slices that are told apart; labels of further ones are counted under the last.
    static let limit = 256
    /// Sums of a slice: labels, wrong characters, characters, labels read without error.
    private static let sumCount = 4

    private var means: PrequentialMeans
    private(set) var names: [String] = []
    private var numbers: [String: Int32] = [:]
    /// `sumCount` for each slice.
    private var sums: [Int64] = []

    init(window: Int) { means = PrequentialMeans(columns: 3, window: window) }

    /// The number of a slice, which is made if it is new.
    mutating func number(of name: String) -> Int32 {
        let name = names.count >= Self.limit - 1 && numbers[name] == nil ? "other" : name
        if let number = numbers[name] { return number }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        sums += [Int64](repeating: 0, count: Self.sumCount)
        return number
    }

    /// Labels of a slice so far.
    func labelCount(of slice: Int32) -> Int64 { sums[Int(slice) * Self.sumCount] }

    /// Counts what was read of a label.
    mutating func add(_ read: String, _ truth: String, slice: Int32) {
        var errors = ReadingErrors()
        errors.add(read, truth: truth)
        let (distance, length) = (errors.editCount, errors.characterCount)
        let isExact = errors.exactCount == 1
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 3) { values in
            values[0] = Double(distance)
            values[1] = Double(length)
            values[2] = isExact ? 1 : 0
            means.add(UnsafeBufferPointer(values), weight: 1)
        }
        let start = Int(slice) * Self.sumCount
        sums[start] += 1
        sums[start + 1] += Int64(distance)
        sums[start + 2] += Int64(length)
        sums[start + 3] += isExact ? 1 : 0
    }

    /// `cer` (wrong characters by characters) and `exact` (part of the labels read without error):
    /// of all labels, of the window, and of each slice.
    var metrics: [Metric] {
        var metrics = [
            Metric("cer", means.mean(0) / means.mean(1)), Metric("exact", means.mean(2)),
            Metric("window.cer", means.windowMean(0) / means.windowMean(1)),
            Metric("window.exact", means.windowMean(2)),
        ]
        for (index, name) in names.enumerated() {
            let own = sums[(index * Self.sumCount)...].prefix(Self.sumCount).map(Double.init)
            metrics += [
                Metric("slice.\(name).labels", own[0]),
                Metric("slice.\(name).cer", own[1] / own[2]),
                Metric("slice.\(name).exact", own[3] / own[0]),
            ]
        }
        return metrics
    }
}

// MARK: - Checkpoints

extension SliceErrors {
    func encode(into tensors: inout NamedTensors) {
        means.encode(into: &tensors, prefix: "evaluation.")
        tensors["slices.names"] = Tensor(names.flatMap { Array($0.utf8) })
        tensors["slices.names.lengths"] = Tensor(names.map { Int32($0.utf8.count) })
        tensors["slices.sums"] = Tensor(sums, shape: [names.count, Self.sumCount])
    }

    init(window: Int, from tensors: any TensorSource) throws(LearningError) {
        means = try PrequentialMeans(
            columns: 3,
            window: window,
            from: tensors,
            prefix: "evaluation."
        )
        let lengths: [Int32] = try tensors.values("slices.names.lengths", shape: [-1])
        sums = try tensors.values("slices.sums", shape: [lengths.count, Self.sumCount])
        let total = lengths.reduce(0) { $0 + Int(max($1, 0)) }
        let bytes: [UInt8] = try tensors.values("slices.names", shape: [total])
        var start = 0
        for length in lengths where length > 0 {
            let name = String(decoding: bytes[start..<(start + Int(length))], as: UTF8.self)
            numbers[name] = Int32(names.count)
            names.append(name)
            start += Int(length)
        }
        let isWhole =
            names.count == lengths.count && numbers.count == names.count
            && names.count <= Self.limit && sums.allSatisfy { (0..<1 << 60).contains($0) }
            && names.allSatisfy { $0.utf8.count <= 2 * PictureFields.maximumNameLength + 1 }
        guard isWhole else {
            throw LearningError(
                .tensor,
                "the tensors \"slices.…\" hold no names and sums of slices",
                remedy: "the file is damaged; use another version"
            )
        }
    }

    /// Whether there is a slice of each number.
    func has(_ slices: some Sequence<Int32>) -> Bool {
        slices.allSatisfy { names.indices.contains(Int($0)) }
    }
}
