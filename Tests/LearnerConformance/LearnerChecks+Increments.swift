import Foundation
import Learning
import Testing

/// A checkpoint and the increments on it, as files.
struct CheckpointChain {
    var folder: URL
    var paths: [String] = []

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-chain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    mutating func append(_ file: [UInt8]) throws {
        paths.append(folder.appending(path: "\(paths.count).safetensors").path)
        try Data(file).write(to: URL(filePath: paths[paths.count - 1]))
    }

    var files: [SafetensorsFile] {
        get throws { try paths.map { try SafetensorsFile(path: $0) } }
    }

    func learner<L: Learner>(_ type: L.Type, _ settings: L.Settings) throws -> L {
        let files = try files
        let learner = try L(settings: settings, state: files[0])
        for increment in files.dropFirst() { try learner.restore(increment) }
        return learner
    }

    func model<Model: ServableModel>(_ type: Model.Type, _ settings: Model.Settings) throws -> Model
    {
        let files = try files
        let model = try Model(settings: settings, state: files[0])
        for increment in files.dropFirst() { try model.restore(increment) }
        return model
    }
}

extension LearnerChecks {
    /// The state that increments on a base give, as it is written.
    func whole(
        _ base: (any TensorSource)?,
        _ increments: [any TensorSource],
        _ learner: L
    ) throws -> [UInt8] {
        try file(StateMerge(of: increments, onto: base, layout: learner.layout))
    }

    private func file(_ merge: StateMerge) throws -> [UInt8] {
        var file: [UInt8] = []
        try merge.write(
            metadata: [("format", "test")],
            unreadable: { $0 },
            to: { piece throws(LearningError) in file.append(contentsOf: piece) }
        )
        return file
    }

    private func merged(_ parts: [NamedTensors], _ learner: L) throws -> NamedTensors {
        let merge = try StateMerge(of: parts, layout: learner.layout)
        let tensors = try Safetensors.decode(file(merge)).tensors
        #expect(merge.byteCount == tensors.names.reduce(0) { $0 + (tensors[$1]?.bytes.count ?? 0) })
        return tensors
    }

    /// Learns from `start` on, taking a checkpoint in parts meanwhile; returns it, merged, and where
    /// the stream stands then.
    func increment(
        of learner: L,
        from start: Int,
        _ random: inout KeyedRandom
    ) throws -> (tensors: NamedTensors, next: Int) {
        var parts: [NamedTensors] = []
        var next = start
        func learnSome(_ limit: Int) {
            let end = min(next + random.index(below: limit + 1), stream.values.count)
            learn(learner, stream, next..<end, batch: 1 + random.index(below: 9))
            next = end
            // Updates go out at any time; what they carry must be in the checkpoint all the same.
            if random.index(below: 2) == 0 { _ = learner.takeDelta() }
        }
        learnSome(40)
        while let part = learner.takeCheckpointPart(byteCount: 1 + random.index(below: 2000)) {
            parts.append(part)
            learnSome(4)
        }
        if let prepare = learner.prepareLastCheckpointPart() {
            prepare()
            learnSome(4)
        }
        parts.append(learner.takeLastCheckpointPart())
        return (try merged(parts, learner), next)
    }

    /// Any cut into batches, parts and increments: what is restored is what `encode` gives.
    func incrementsRestoreTheState() throws {
        for seed in 0..<12 as Range<UInt64> {
            var random = KeyedRandom(key: seed)
            var chain = try CheckpointChain()
            defer { chain.remove() }
            let learner = try L(settings: settings)
            var (position, lastWhole): (Int, NamedTensors?) = (0, nil)
            while position < stream.values.count {
                let (increment, next) = try increment(of: learner, from: position, &random)
                position = next
                let expected = learner.encode()
                let expectedFile = Safetensors.encode(expected, metadata: [("format", "test")])
                    .flatMap { $0 }
                let file = try whole(lastWhole, [increment], learner)
                try #require(file == expectedFile)
                lastWhole = expected
                // All that came since a whole file, at once.
                let files = try chain.files
                let later: [any TensorSource] = Array(files.dropFirst()) + [increment]
                try #require(try whole(files.first, later, learner) == expectedFile)
                if chain.paths.isEmpty || random.index(below: 5) == 0 {
                    chain.paths = []
                    try chain.append(file)
                } else {
                    try chain.append(increment.file)
                }
                let restored = try chain.learner(L.self, settings)
                try #require(restored.encode().file == expected.file, "after \(position) events")
                #expect(restored.eventCount == learner.eventCount)
                #expect(restored.takeDelta().isEmpty)
                let model = try chain.model(L.Model.self, settings)
                let own = try L.Model(settings: settings, state: expected)
                try #require(same(answers(model), answers(own)), "after \(position) events")
            }
        }
    }

    func incrementsContinueIdentically() throws {
        let final = try trained().encode().file
        for seed in 20..<28 as Range<UInt64> {
            var random = KeyedRandom(key: seed)
            var learner = try L(settings: settings)
            var (position, state): (Int, NamedTensors?) = (0, nil)
            // A restart after every checkpoint; the restored learner makes the next one.
            while position < stream.values.count {
                let (increment, next) = try increment(of: learner, from: position, &random)
                position = next
                let base = state
                if let base {
                    learner = try L(settings: settings, state: base)
                    try learner.restore(increment)
                } else {
                    learner = try L(
                        settings: settings,
                        state: Safetensors.decode(whole(nil, [increment], learner)).tensors
                    )
                }
                state = learner.encode()
                #expect(learner.takeCheckpointPart(byteCount: 1) == nil)
            }
            #expect(learner.encode().file == final)
        }
    }

    func takingPartsChangesNothing() throws {
        let (plain, taken) = (try L(settings: settings), try L(settings: settings))
        for start in stride(from: 0, to: stream.values.count, by: 10) {
            let range = start..<min(start + 10, stream.values.count)
            learn(plain, stream, range)
            learn(taken, stream, range)
            _ = taken.takeCheckpointPart(byteCount: 500)
            if start % 30 == 0 { _ = taken.takeLastCheckpointPart() }
            #expect(plain.takeDelta() == taken.takeDelta())
        }
        #expect(plain.encode().file == taken.encode().file)
    }

    func failedWriteIsMadeUpFor() throws {
        var random = KeyedRandom(key: 3)
        let learner = try L(settings: settings)
        var (tensors, position) = try increment(of: learner, from: 0, &random)
        let base = learner.encode()
        // Three that were never written, each merged with the one after.
        var waiting = NamedTensors()
        for _ in 0..<3 {
            (tensors, position) = try increment(of: learner, from: position, &random)
            let parts = waiting.isEmpty ? [tensors] : [waiting, tensors]
            waiting = try merged(parts, learner)
        }
        let restored = try L(settings: settings, state: base)
        try restored.restore(waiting)
        #expect(restored.encode().file == learner.encode().file)
    }

    /// As after damage to all files: the parts from then on are the whole state.
    func wholeCheckpointCanBegin() throws {
        for seed in 40..<46 as Range<UInt64> {
            var random = KeyedRandom(key: seed)
            let learner = try L(settings: settings)
            var position = 0
            while position < stream.values.count {
                (_, position) = try increment(of: learner, from: position, &random)
                _ = learner.takeCheckpointPart(byteCount: 700)
                learner.beginWholeCheckpoint()
                let (all, next) = try increment(of: learner, from: position, &random)
                position = next
                let expected = learner.encode()
                let file = try whole(nil, [all], learner)
                try #require(try Safetensors.decode(file).tensors == expected)
                let restored = try L(settings: settings)
                try restored.restore(all)
                #expect(restored.encode().file == expected.file)
            }
        }
    }

    /// However fast rows change, the last part comes; nothing changed gives an empty increment.
    func partsComeToAnEnd() throws {
        let learner = try trained()
        _ = learner.takeDelta()
        var count = 0
        while learner.takeCheckpointPart(byteCount: 1) != nil {
            learn(learner, stream, stream.indices)
            _ = learner.takeDelta()
            count += 1
            try #require(count < 1000)
        }
        #expect(count > 0)
        _ = learner.takeLastCheckpointPart()
        #expect(learner.takeCheckpointPart(byteCount: 1) == nil)
        let before = learner.encode()
        let nothing = learner.takeLastCheckpointPart()
        for table in learner.layout.tables {
            #expect(try nothing.values(table.rowsName, of: Int32.self).isEmpty)
        }
        let restored = try L(settings: settings, state: before)
        try restored.restore(nothing)
        #expect(restored.encode().file == before.file)
    }
}
