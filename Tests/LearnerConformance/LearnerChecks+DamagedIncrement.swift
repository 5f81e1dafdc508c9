import Learning
import Testing

extension LearnerChecks {
    /// A learner's state after half of the stream, and the increment over the other half.
    private func halves() throws -> (base: NamedTensors, increment: NamedTensors, learner: L) {
        let half = stream.values.count / 2
        let learner = try trained(upTo: half)
        _ = learner.takeLastCheckpointPart()
        let base = learner.encode()
        learn(learner, stream, half..<(half + 12))
        return (base, learner.takeLastCheckpointPart(), learner)
    }

    func damagedIncrementIsRefused() throws {
        let (base, increment, learner) = try halves()
        let restored = try L(settings: settings, state: base)
        let model = try L.Model(settings: settings, state: base)
        let before = answers(model)
        var damages = 0
        func refuse(_ what: String, isSeenByModel: Bool, _ damaged: NamedTensors) throws {
            damages += 1
            #expect(throws: LearningError.self, "\(what)") { try restored.restore(damaged) }
            try #require(restored.encode() == base, "\(what)")
            guard isSeenByModel else { return }
            #expect(throws: LearningError.self, "\(what)") { try model.restore(damaged) }
            try #require(same(answers(model), before), "\(what)")
        }
        for name in increment.names {
            let isSeen =
                name.hasPrefix("model.")
                || learner.layout.tables.contains {
                    Self.isServed($0) && [$0.rowsName, $0.sizeName].contains(name)
                }
            for (what, tensor) in Self.misshapen(increment, name) {
                var damaged = increment
                damaged[name] = tensor
                try refuse("\(name) \(what)", isSeenByModel: isSeen, damaged)
            }
        }
        for table in learner.layout.tables {
            for (what, damaged) in try Self.contradictions(increment, table, base) {
                try refuse(what, isSeenByModel: Self.isServed(table), damaged)
            }
        }
        #expect(damages > 60)
        try restored.restore(increment)
        try model.restore(increment)
        #expect(restored.encode().file == learner.encode().file)
        let own = try L.Model(settings: settings, state: learner.encode())
        #expect(same(answers(model), answers(own)))
    }

    /// Whether a scorer needs something of the table.
    private static func isServed(_ table: StateLayout.Table) -> Bool {
        table.columns.contains { $0.names.contains { $0.hasPrefix("model.") } }
    }

    /// The tensor left out, of another type, with another shape, and cut.
    private static func misshapen(
        _ tensors: NamedTensors,
        _ name: String
    ) -> [(String, Tensor?)] {
        guard let tensor = tensors[name] else { return [] }
        var results: [(String, Tensor?)] = [("left out", nil)]
        let bytes = tensor.bytes
        results.append(
            ("as bytes", Tensor(elementType: .uint8, shape: [bytes.count], bytes: bytes))
        )
        if tensor.elementType == .uint8 {
            results[1] = ("as integers", Tensor([Int32](repeating: 0, count: bytes.count)))
        }
        let width = tensor.elementType.byteCount
        let nested = [1] + tensor.shape
        results.append(
            ("nested", Tensor(elementType: tensor.elementType, shape: nested, bytes: bytes))
        )
        if let count = tensor.shape.first, count > 0 {
            let rowByteCount = tensor.shape.dropFirst().reduce(width, *)
            // Evaluation keeps as many rows as it likes; what else is cut does not fit.
            if rowByteCount > 0, !name.hasPrefix("evaluation.window") {
                results.append(
                    (
                        "cut",
                        Tensor(
                            elementType: tensor.elementType,
                            shape: [count - 1] + tensor.shape.dropFirst(),
                            bytes: Array(bytes.dropLast(rowByteCount))
                        )
                    )
                )
            }
        }
        return results
    }

    /// Increments whose tensors have the right shapes and do not fit each other.
    private static func contradictions(
        _ increment: NamedTensors,
        _ table: StateLayout.Table,
        _ base: NamedTensors
    ) throws -> [(String, NamedTensors)] {
        var results: [(String, NamedTensors)] = []
        func add<Value: TensorElement>(_ what: String, _ name: String, _ values: [Value]) {
            var damaged = increment
            damaged[name] = Tensor(values)
            results.append((what, damaged))
        }
        let rows: [Int32] = try increment.values(table.rowsName)
        try #require(rows.count > 2)
        var damaged = rows
        damaged.swapAt(0, 1)
        add("\(table.name): rows out of order", table.rowsName, damaged)
        damaged[0] = rows[1]
        damaged[1] = rows[1]
        add("\(table.name): a row twice", table.rowsName, damaged)
        for row in [Int32.max, -1] {
            damaged = rows
            damaged[row < 0 ? 0 : rows.count - 1] = row
            add("\(table.name): row \(row)", table.rowsName, damaged)
        }
        let count: [Int64] = try increment.values(table.baseCountName)
        #expect(count == [Int64(try base.rowCount(of: table))])
        for other in [0, count[0] - 1, count[0] + 1, .max, -1] {
            add("\(table.name): put on \(other) rows", table.baseCountName, [other])
        }
        let size: [Int64] = try increment.values(table.sizeName)
        for other in [0, size[0] + 1, .max, -1] {
            add("\(table.name): \(other) rows afterwards", table.sizeName, [other])
        }
        for case .list(let values, let lengths) in table.columns {
            let own: [Int32] = try increment.values(lengths)
            for wrong in [[own[0] + 1, own[1] - 1], [-1, own[0] + own[1] + 1]] {
                let changed = wrong + own.dropFirst(2)
                // Shifted by one, lists may stay lists, and ids ids.
                if wrong[0] >= 0 { continue }
                add("\(lengths) \(wrong)", lengths, changed)
            }
            add("\(lengths) too long", lengths, [own[0] + 1] + own.dropFirst())
            guard let items: [Int32] = increment[values]?.values() else { continue }
            add("\(values) out of range", values, [Int32.max] + items.dropFirst())
            add("\(values) negative", values, [-1] + items.dropFirst())
            let long = try #require(own.firstIndex { $0 > 1 })
            let start = own[..<long].reduce(0) { $0 + Int($1) }
            var twice = items
            twice[start + 1] = twice[start]
            add("\(values) twice", values, twice)
        }
        return results
    }

    func incrementOnTheWrongBaseIsRefused() throws {
        let (base, increment, learner) = try halves()
        learn(learner, stream, 130..<150)
        let next = learner.takeLastCheckpointPart()
        let restored = try L(settings: settings, state: base)
        let model = try L.Model(settings: settings, state: base)
        let earlier = try trained(upTo: 20)
        let file = earlier.encode().file
        #expect(throws: LearningError.self) { try earlier.restore(increment) }
        #expect(earlier.encode().file == file)
        #expect(throws: LearningError.self) { try restored.restore(next) }
        #expect(throws: LearningError.self) { try model.restore(next) }
        #expect(throws: LearningError.self) { try whole(base, [next], learner) }
        #expect(throws: LearningError.self) { try whole(nil, [next], learner) }
        try restored.restore(increment)
        try model.restore(increment)
        #expect(throws: LearningError.self) { try restored.restore(increment) }
        #expect(throws: LearningError.self) { try model.restore(increment) }
        try restored.restore(next)
        try model.restore(next)
        #expect(restored.encode().file == learner.encode().file)
        // One that has learned more is no longer what an increment of its past is put on.
        learn(restored, stream, 150..<151)
        #expect(throws: LearningError.self) { try restored.restore(next) }
    }

    /// Random bytes: an error or a usable learner, never a trap.
    func damagedIncrementDoesNotTrap() throws {
        let (base, increment, learner) = try halves()
        var random = KeyedRandom(key: 77)
        for name in increment.names {
            guard let tensor = increment[name], !tensor.bytes.isEmpty else { continue }
            for _ in 0..<8 {
                var damaged = increment
                var bytes = tensor.bytes
                bytes[random.index(below: bytes.count)] ^= UInt8.random(in: 1...255, using: &random)
                damaged[name] = Tensor(
                    elementType: tensor.elementType,
                    shape: tensor.shape,
                    bytes: bytes
                )
                _ = try? whole(base, [damaged], learner)
                let restored = try L(settings: settings, state: base)
                guard (try? restored.restore(damaged)) != nil else {
                    try #require(restored.encode() == base, "\(name)")
                    continue
                }
                learn(restored, stream, stream.indices.prefix(eventsAfterDamage))
                _ = restored.metrics
                _ = restored.takeLastCheckpointPart()
                let model = try L.Model(settings: settings, state: base)
                if (try? model.restore(damaged)) != nil { _ = answers(model) }
            }
        }
    }
}
