import Learning
import Testing

/// The optimizer against PyTorch's, and its state as tensors.
struct AdamWTests {
    private struct Model {
        var layout = ParameterLayout()
        let weights: ParameterLayout.Entry
        let shifts: ParameterLayout.Entry

        init() {
            weights = layout.add("weights", shape: [5, 11], decays: true)
            shifts = layout.add("shifts", shape: [11], rateFactor: 5)
        }

        func buffer(_ weights: [Float], _ shifts: [Float]) throws -> FloatBuffer {
            var tensors = NamedTensors()
            tensors["weights"] = Tensor(weights, shape: [5, 11])
            tensors["shifts"] = Tensor(shifts, shape: [11])
            let buffer = FloatBuffer(count: layout.count)
            try layout.decode(tensors, prefix: "", into: buffer)
            return buffer
        }
    }

    private var settings: AdamW.Settings {
        var settings = AdamW.Settings()
        settings.decay = 0.1
        return settings
    }

    @Test func `steps, clipping, decay and rates of groups are PyTorch's`() throws {
        let figures = try PyTorchFigures()
        let model = Model()
        let parameters = try model.buffer(
            figures.numbers("adamw.weights0"),
            figures.numbers("adamw.shifts0")
        )
        let optimizer = AdamW(model.layout, parameters: parameters, settings: settings)
        for step in 1...6 {
            let gradients = try model.buffer(
                figures.numbers("adamw.weight_gradient\(step)"),
                figures.numbers("adamw.shift_gradient\(step)")
            )
            let norm = optimizer.step(parameters, gradients: gradients, rate: 1e-2)
            let expected = try model.buffer(
                figures.numbers("adamw.weights\(step)"),
                figures.numbers("adamw.shifts\(step)")
            )
            let expectedNorm = try figures.numbers("adamw.norm\(step)")[0]
            #expect(abs(Float(norm) - expectedNorm) < 1e-5)
            #expect(distance(parameters.numbers, expected.numbers) < 2e-6)
        }
        #expect(optimizer.stepCount == 6)
    }

    @Test(arguments: [true, false])
    func `the average follows slowly, in the first steps faster if asked to`(grows: Bool) throws {
        let model = Model()
        let parameters = FloatBuffer(count: model.layout.count)
        var own = AdamW.Settings()
        own.averageKeep = 0.5
        own.averageGrows = grows
        let optimizer = AdamW(model.layout, parameters: parameters, settings: own)
        var expected: Float = 0
        for step in 1...20 {
            let gradients = FloatBuffer(count: model.layout.count)
            gradients.fill(1)
            _ = optimizer.step(parameters, gradients: gradients, rate: 0.1)
            let keep = grows ? min(0.5, Float(1 + step) / Float(10 + step)) : 0.5
            expected = keep * expected + (1 - keep) * parameters.base[0]
            #expect(abs(optimizer.average.base[0] - expected) < 1e-6)
        }
    }

    @Test func `a gradient that is not finite changes nothing`() {
        let model = Model()
        let parameters = FloatBuffer(count: model.layout.count)
        let optimizer = AdamW(model.layout, parameters: parameters, settings: settings)
        let gradients = FloatBuffer(count: model.layout.count)
        gradients.fill(.nan)
        #expect(!optimizer.step(parameters, gradients: gradients, rate: 1).isFinite)
        #expect(optimizer.stepCount == 0)
        #expect(parameters.numbers.allSatisfy { $0 == 0 })
    }

    @Test func `an optimizer goes on from its tensors as if it had not stopped`() throws {
        let model = Model()
        func gradients(_ step: Int) throws -> FloatBuffer {
            try model.buffer(
                seededNumbers(55, key: UInt64(step)),
                seededNumbers(11, key: UInt64(50 + step))
            )
        }
        let parameters = try gradients(0)
        let optimizer = AdamW(model.layout, parameters: parameters, settings: settings)
        for step in 1...3 {
            _ = optimizer.step(parameters, gradients: try gradients(step), rate: 0.01)
        }
        var tensors = NamedTensors()
        model.layout.encode(parameters, prefix: "trained.", into: &tensors)
        optimizer.encode(averagePrefix: "model.", into: &tensors)

        let again = FloatBuffer(count: model.layout.count)
        try model.layout.decode(tensors, prefix: "trained.", into: again)
        let restored = AdamW(model.layout, parameters: again, settings: settings)
        try restored.restore(tensors, averagePrefix: "model.")
        for step in 4...6 {
            _ = optimizer.step(parameters, gradients: try gradients(step), rate: 0.01)
            _ = restored.step(again, gradients: try gradients(step), rate: 0.01)
        }
        #expect(Array(parameters.numbers) == Array(again.numbers))
        #expect(Array(optimizer.average.numbers) == Array(restored.average.numbers))
    }

    @Test func `tensors that do not fit are refused by name and nothing changes`() throws {
        let model = Model()
        let buffer = FloatBuffer(count: model.layout.count)
        var good = NamedTensors()
        model.layout.encode(buffer, prefix: "", into: &good)
        buffer.fill(7)
        var missing = good
        missing["shifts"] = nil
        var misshapen = good
        misshapen["shifts"] = Tensor([Float](repeating: 0, count: 12))
        var otherType = good
        otherType["shifts"] = Tensor([Double](repeating: 0, count: 11))
        var infinite = good
        infinite["shifts"] = Tensor([0, .infinity] + [Float](repeating: 0, count: 9))
        for tensors in [missing, misshapen, otherType, infinite] {
            let error = #expect(throws: LearningError.self) {
                try model.layout.decode(tensors, prefix: "", into: buffer)
            }
            #expect(error?.message.contains("\"shifts\"") == true)
        }
        #expect(buffer.numbers.allSatisfy { $0 == 7 })
        var negative = good
        AdamW(model.layout, parameters: buffer, settings: settings)
            .encode(averagePrefix: "", into: &negative)
        negative["optimizer.second.shifts"] = Tensor([Float](repeating: -1, count: 11))
        let optimizer = AdamW(model.layout, parameters: buffer, settings: settings)
        #expect(throws: LearningError.self) {
            try optimizer.restore(negative, averagePrefix: "")
        }
    }
}
