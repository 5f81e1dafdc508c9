import Learning
import Testing

/// Normalization, ReLU, pooling and residual against PyTorch, with both kinds of statistics.
struct NormalizationTests {
    private let channels = 16

    /// One case of PyTorch's: the layer and everything that goes through it.
    private struct Case {
        let layer: Normalization
        let statistics: Normalization.Statistics
        let isResidual: Bool
        let z: OwnedPlanes
        let zErrors: OwnedPlanes
        let output: OwnedPlanes
        let residual: OwnedPlanes
        let errors: OwnedPlanes

        init(geometry: [Int], shape: [Int], channels: Int) {
            layer = Normalization(
                channels: channels,
                poolHeight: geometry[0],
                poolWidth: geometry[1]
            )
            isResidual = geometry[2] == 1
            statistics = geometry[3] == 1 ? .batch : .frozen
            let widths = [shape[2], shape[2]]
            let narrow = widths.map { $0 / geometry[1] }
            let (height, low) = (shape[1], shape[1] / geometry[0])
            z = OwnedPlanes(widths: widths, height: height, channels: channels, border: 2)
            zErrors = OwnedPlanes(widths: widths, height: height, channels: channels, border: 1)
            output = OwnedPlanes(widths: narrow, height: low, channels: channels, border: 2)
            residual = OwnedPlanes(widths: narrow, height: low, channels: channels)
            errors = OwnedPlanes(widths: narrow, height: low, channels: channels)
        }

        func forward(
            gamma: FloatBuffer,
            beta: FloatBuffer,
            mean: FloatBuffer,
            variance: FloatBuffer
        ) {
            if statistics == .batch {
                layer.beginStatistics()
                for line in 0..<2 { layer.addStatistics(line: line, z.planes) }
                layer.useBatch(
                    pixelCount: z.planes.layout.pixelCount,
                    gamma: gamma.base,
                    beta: beta.base,
                    runningMean: mean.base,
                    runningVariance: variance.base
                )
            } else {
                layer.useFrozen(
                    gamma: gamma.base,
                    beta: beta.base,
                    runningMean: mean.base,
                    runningVariance: variance.base
                )
            }
            let rest = isResidual ? residual.planes : nil
            for line in 0..<2 {
                layer.forward(line: line, z.planes, residual: rest, output: output.planes)
            }
        }

        func backward(toGamma: FloatBuffer, toBeta: FloatBuffer) {
            layer.beginBackward()
            for line in 0..<2 {
                layer.backward(
                    line: line,
                    z.planes,
                    errors: errors.planes,
                    zErrors: zErrors.planes,
                    statistics
                )
            }
            layer.addGradients(
                pixelCount: z.planes.layout.pixelCount,
                gamma: toGamma.base,
                beta: toBeta.base
            )
            for line in 0..<2 where statistics == .batch {
                layer.completeBackward(line: line, z.planes, zErrors: zErrors.planes)
            }
        }
    }

    @Test(arguments: 0..<8)
    func `forward and backward are PyTorch's`(index: Int) throws {
        let figures = try PyTorchFigures()
        let name = "normalization\(index)."
        let pass = Case(
            geometry: try figures.integers(name + "geometry"),
            shape: try figures.shape(name + "z"),
            channels: channels
        )
        try fill(pass.z, name + "z", figures)
        try fill(pass.residual, name + "residual", figures)
        try fill(pass.errors, name + "errors", figures)
        let mean = padded(try figures.numbers(name + "mean"), columns: channels)
        let variance = padded(try figures.numbers(name + "variance"), columns: channels)
        pass.forward(
            gamma: padded(try figures.numbers(name + "gamma"), columns: channels),
            beta: padded(try figures.numbers(name + "beta"), columns: channels),
            mean: mean,
            variance: variance
        )
        try expect(pass.output, name + "output", figures)
        #expect(try distance(mean.numbers, figures.numbers(name + "new_mean")) < 1e-6)
        #expect(try distance(variance.numbers, figures.numbers(name + "new_variance")) < 1e-5)

        let (toGamma, toBeta) = (FloatBuffer(count: channels), FloatBuffer(count: channels))
        pass.backward(toGamma: toGamma, toBeta: toBeta)
        try expect(pass.zErrors, name + "z_gradient", figures)
        #expect(try distance(toGamma.numbers, figures.numbers(name + "gamma_gradient")) < 2e-5)
        #expect(try distance(toBeta.numbers, figures.numbers(name + "beta_gradient")) < 2e-5)
    }

    private func fill(_ planes: OwnedPlanes, _ name: String, _ figures: PyTorchFigures) throws {
        let numbers = try figures.numbers(name)
        for line in 0..<2 {
            let half = numbers.count / 2
            let own = Array(numbers[(line * half)..<((line + 1) * half)])
            planes.write(own, line: line, channels: channels)
        }
    }

    private func expect(_ planes: OwnedPlanes, _ name: String, _ figures: PyTorchFigures) throws {
        let found = (0..<2).flatMap { planes.read(line: $0, channels: channels) }
        #expect(try distance(found, figures.numbers(name)) < 1e-5, "\(name)")
    }

    @Test func `the borders of what it writes are zeros`() {
        let layer = Normalization(channels: 8)
        let ones = padded([Float](repeating: 1, count: 8), columns: 8)
        layer.useFrozen(
            gamma: ones.base,
            beta: ones.base,
            runningMean: ones.base,
            runningVariance: ones.base
        )
        let z = OwnedPlanes(widths: [3, 5], height: 1, channels: 8)
        let output = OwnedPlanes(widths: [3, 5], height: 1, channels: 8, border: 2)
        output.buffer.fill(.nan)
        for (line, width) in [3, 5].enumerated() {
            z.write([Float](repeating: 2, count: width * 8), line: line, channels: 8)
            layer.forward(line: line, z.planes, output: output.planes)
        }
        let zeros = output.buffer.numbers.count(where: { $0 == 0 })
        #expect(zeros == 2 * 4 * 8)
        #expect(output.buffer.numbers.allSatisfy { $0 == 0 || abs($0 - 2) < 1e-4 })
    }
}
