import Learning

extension ModelMemory.State {
    /// Nothing forgotten yet.
    init(_ settings: RecommenderSettings.Memory) {
        self.init()
        let width = settings.sketchByteCount / AdmissionSketch.depth
        if settings.minimumUserEvents > 1 { userSketch = AdmissionSketch(width: width) }
        if settings.minimumItemEvents > 1 { itemSketch = AdmissionSketch(width: width) }
        let (users, items) = (settings.expireUsersAfter, settings.expireItemsAfter)
        if users.milliseconds > 0 { userMarks = ExpiryMarks(timeToLive: users.milliseconds) }
        if items.milliseconds > 0 { itemMarks = ExpiryMarks(timeToLive: items.milliseconds) }
    }

    /// Adds the state to a checkpoint.
    func encode(into tensors: inout NamedTensors) {
        tensors["memory.counts"] = Tensor([
            evictedUsers, evictedItems, notAdmitted, watermark, nextExpiry,
            userSketch?.additions ?? 0, itemSketch?.additions ?? 0,
            Int64(userMarks?.marks.count ?? 0), Int64(itemMarks?.marks.count ?? 0),
        ])
        for (name, sketch, marks) in [
            ("users", userSketch, userMarks), ("items", itemSketch, itemMarks),
        ] {
            tensors["memory.\(name).sketch"] = Tensor(sketch?.counters ?? [])
            let numbers = (marks?.marks ?? []).flatMap { [$0.clock, $0.watermark] }
            tensors["memory.\(name).marks"] = Tensor(numbers, shape: [numbers.count / 2, 2])
        }
    }

    /// Restores what `encode` wrote.
    ///
    /// What the settings did not ask for then, or of another size, begins anew.
    init(
        _ settings: RecommenderSettings.Memory,
        state: any TensorSource
    ) throws(LearningError) {
        self.init(settings)
        let counts: [Int64] = try state.values("memory.counts", shape: [9])
        guard counts.allSatisfy({ (-1...NamedTensors.maximumCount).contains($0) }) else {
            throw Self.damaged("memory.counts", "\(counts)")
        }
        (evictedUsers, evictedItems, notAdmitted) = (counts[0], counts[1], counts[2])
        (watermark, nextExpiry) = (counts[3], counts[4])
        userSketch = try Self.sketch("memory.users.sketch", counts[5], like: userSketch, state)
        itemSketch = try Self.sketch("memory.items.sketch", counts[6], like: itemSketch, state)
        userMarks = try Self.marks("memory.users.marks", counts[7], like: userMarks, state)
        itemMarks = try Self.marks("memory.items.marks", counts[8], like: itemMarks, state)
    }

    private static func sketch(
        _ name: String,
        _ additions: Int64,
        like empty: AdmissionSketch?,
        _ state: any TensorSource
    ) throws(LearningError) -> AdmissionSketch? {
        let counters: [UInt8] = try state.values(name, shape: [-1])
        let width = counters.count / AdmissionSketch.depth
        guard width * AdmissionSketch.depth == counters.count, width & (width - 1) == 0 else {
            throw damaged(name, "\(counters.count) counters")
        }
        guard let empty, counters.count == empty.counters.count else { return empty }
        return AdmissionSketch(counters: counters, additions: additions)
    }

    private static func marks(
        _ name: String,
        _ count: Int64,
        like empty: ExpiryMarks?,
        _ state: any TensorSource
    ) throws(LearningError) -> ExpiryMarks? {
        let numbers: [Int64] = try state.values(name, shape: [Int(max(count, 0)), 2])
        guard let empty else { return nil }
        let marks = stride(from: 0, to: numbers.count, by: 2).map {
            ExpiryMarks.Mark(clock: numbers[$0], watermark: numbers[$0 + 1])
        }
        let isAscending = zip(marks, marks.dropFirst()).allSatisfy {
            $0.clock <= $1.clock && $0.watermark <= $1.watermark
        }
        // Marks of a longer time to live, set before, are further apart.
        guard isAscending, marks.count <= 2 * ExpiryMarks.maximumCount,
            numbers.allSatisfy({ (-1...NamedTensors.maximumCount).contains($0) })
        else { throw damaged(name, "\(marks.count) marks that do not ascend") }
        return ExpiryMarks(timeToLive: empty.timeToLive, marks: marks)
    }

    private static func damaged(_ name: String, _ what: String) -> LearningError {
        LearningError(
            .tensor,
            "tensor \"\(name)\" holds \(what)",
            remedy: "the file is damaged; use another version"
        )
    }
}
