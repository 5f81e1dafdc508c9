import CKernels
import Testing

@testable import Learning

/// Convolutions against PyTorch, and against the definition in double precision.
struct ConvolutionTests {
    /// A convolution and everything that goes through it once, forward and backward.
    private struct Pass {
        let convolution: Convolution
        let height: Int
        let widths: [Int]
        let weights: FloatBuffer
        let input: OwnedPlanes
        let output: OwnedPlanes
        let errors: OwnedPlanes

        init(_ convolution: Convolution, height: Int, widths: [Int], weights: [Float]) {
            self.convolution = convolution
            self.height = height
            self.widths = widths
            self.weights = padded(weights, columns: convolution.outputChannels)
            input = OwnedPlanes(
                widths: widths,
                height: height,
                channels: convolution.inputChannels,
                border: convolution.border
            )
            let narrow = widths.map { $0 / convolution.stride }
            let outputHeight = convolution.outputHeight(height)
            output = OwnedPlanes(
                widths: narrow,
                height: outputHeight,
                channels: convolution.outputChannels
            )
            errors = OwnedPlanes(
                widths: narrow,
                height: outputHeight,
                channels: convolution.outputChannels,
                border: convolution.border
            )
        }

        func forward(_ line: Int) -> [Float] {
            convolution.forward(
                line: line,
                input: input.planes,
                weights: weights.base,
                output: output.planes
            )
            return output.read(line: line, channels: convolution.outputChannels)
        }

        func weightGradient(_ line: Int) -> [Float] {
            let gradient = FloatBuffer(count: weights.count)
            convolution.addWeightGradient(
                line: line,
                input: input.planes,
                errors: errors.planes,
                gradient: gradient.base
            )
            return unpadded(gradient, columns: convolution.outputChannels)
        }

        func inputGradient(_ line: Int) -> [Float] {
            let transposed = FloatBuffer(count: convolution.transposedCount)
            convolution.transpose(weights.base, into: transposed.base)
            let gradient = OwnedPlanes(
                widths: widths,
                height: height,
                channels: convolution.inputChannels
            )
            convolution.transposed.forward(
                line: line,
                input: errors.planes,
                weights: transposed.base,
                output: gradient.planes
            )
            return gradient.read(line: line, channels: convolution.inputChannels)
        }
    }

    private func convolution(_ g: [Int]) -> Convolution {
        Convolution(
            kernelHeight: g[0],
            kernelWidth: g[1],
            stride: g[2],
            dilation: g[3],
            paddingHeight: g[4],
            inputChannels: g[5],
            outputChannels: g[6]
        )
    }

    @Test(arguments: 0..<8)
    func `forward and backward are PyTorch's`(index: Int) throws {
        let figures = try PyTorchFigures()
        let name = "convolution\(index)."
        let geometry = try figures.integers(name + "geometry")
        let convolution = convolution(geometry)
        let pass = Pass(
            convolution,
            height: geometry[7],
            widths: [geometry[8]],
            weights: try figures.numbers(name + "weights")
        )
        pass.input.write(
            try figures.numbers(name + "input"),
            line: 0,
            channels: convolution.inputChannels
        )
        pass.errors.write(
            try figures.numbers(name + "errors"),
            line: 0,
            channels: convolution.outputChannels
        )
        // Sums of up to 320 products of normal numbers, in single precision on both sides.
        #expect(try distance(pass.forward(0), figures.numbers(name + "output")) < 1e-4)
        #expect(
            try distance(pass.weightGradient(0), figures.numbers(name + "weight_gradient")) < 1e-4
        )
        if convolution.stride == 1 {
            #expect(
                try distance(pass.inputGradient(0), figures.numbers(name + "input_gradient"))
                    < 1e-4
            )
        }
    }

    /// Geometries whose tiles have every kind of remainder, and two lines of different widths.
    private static let geometries: [[Int]] = [
        [3, 3, 1, 1, 1, 8, 8], [3, 3, 1, 1, 1, 16, 56], [3, 3, 2, 1, 1, 1, 24],
        [2, 3, 1, 1, 0, 8, 64], [1, 5, 1, 2, 0, 24, 72], [1, 1, 1, 1, 0, 40, 43],
        [1, 3, 1, 1, 0, 8, 128], [3, 3, 1, 2, 2, 16, 48], [3, 3, 1, 4, 4, 8, 16],
    ]

    @Test(arguments: geometries)
    func `forward is the definition, and gradients are its differences`(g: [Int]) throws {
        let convolution = convolution(g)
        // Rows enough for some of a dilated kernel to lie on them, and some not.
        let (height, widths) = (g[0] == 2 ? 2 : 2 + g[3], [14, 22])
        let weightCount = convolution.weightRows * convolution.outputChannels
        let weights = seededNumbers(weightCount, key: 1)
        let pass = Pass(
            convolution,
            height: g[0] == 1 ? 1 : height,
            widths: widths,
            weights: weights
        )
        for (line, width) in widths.enumerated() {
            let inputCount = pass.height * width * convolution.inputChannels
            let input = seededNumbers(inputCount, key: UInt64(2 + line))
            pass.input.write(input, line: line, channels: convolution.inputChannels)
            let slow = SlowConvolution(convolution, height: pass.height, width: width)
            let expected = slow.forward(input.map(Double.init), weights.map(Double.init))
            let found = pass.forward(line)
            #expect(distance(found, expected.map { Float($0) }) < 2e-5)

            // The sum of outputs times `errors` is linear in inputs and weights each: its
            // differences are its gradient, exactly.
            let errors = seededNumbers(found.count, key: 9)
            pass.errors.write(errors, line: line, channels: convolution.outputChannels)
            let toWeights = pass.weightGradient(line)
            for index in stride(from: 0, to: weightCount, by: max(1, weightCount / 23)) {
                var moved = weights.map(Double.init)
                moved[index] += 1
                let difference = zip(slow.forward(input.map(Double.init), moved), expected)
                    .map { $0 - $1 }
                let slope = zip(difference, errors).reduce(0) { $0 + $1.0 * Double($1.1) }
                #expect(abs(Double(toWeights[index]) - slope) < 2e-5)
            }
            guard convolution.stride == 1 else { continue }
            let toInput = pass.inputGradient(line)
            for index in stride(from: 0, to: inputCount, by: max(1, inputCount / 23)) {
                var moved = input.map(Double.init)
                moved[index] += 1
                let difference = zip(slow.forward(moved, weights.map(Double.init)), expected)
                    .map { $0 - $1 }
                let slope = zip(difference, errors).reduce(0) { $0 + $1.0 * Double($1.1) }
                #expect(abs(Double(toInput[index]) - slope) < 2e-5)
            }
        }
    }

    @Test func `a line's outputs are the same bits whatever lies beside it`() {
        let convolution = convolution([3, 3, 1, 1, 1, 16, 40])
        let weights = seededNumbers(convolution.weightRows * 40, key: 1)
        let line = seededNumbers(4 * 19 * 16, key: 2)
        var answers: [[Float]] = []
        for (widths, place) in [([19], 0), ([31, 19], 1), ([8, 4, 19, 2], 2)] {
            let pass = Pass(convolution, height: 4, widths: widths, weights: weights)
            for index in 0..<widths.count {
                let other = seededNumbers(4 * widths[index] * 16, key: UInt64(10 + index))
                pass.input.write(index == place ? line : other, line: index, channels: 16)
            }
            answers.append(pass.forward(place))
        }
        #expect(answers[0] == answers[1] && answers[0] == answers[2])
    }

    @Test(arguments: geometries)
    func `narrower vectors give the same bits, forward and backward`(g: [Int]) {
        var results: [[Float]] = []
        for lanes in [16, 8, 4] where lanes <= ck_vector_lanes() {
            var convolution = convolution(g)
            convolution.lanes = lanes
            let weights = seededNumbers(
                convolution.weightRows * convolution.outputChannels,
                key: 1
            )
            let pass = Pass(convolution, height: g[0], widths: [22], weights: weights)
            let input = seededNumbers(g[0] * 22 * convolution.inputChannels, key: 2)
            pass.input.write(input, line: 0, channels: convolution.inputChannels)
            let output = pass.forward(0)
            let errors = seededNumbers(output.count, key: 3)
            pass.errors.write(errors, line: 0, channels: convolution.outputChannels)
            let back = convolution.stride == 1 ? pass.inputGradient(0) : []
            results.append(output + pass.weightGradient(0) + back)
        }
        for other in results.dropFirst() { #expect(distance(other, results[0]) < 1e-5) }
        // The narrowest vectors are those of processors that may lack fused multiply-add.
        if results.count == 3 { #expect(results[0] == results[1]) }
    }

    @Test func `bias, rectification and addition come after the sum, in this order`() {
        let convolution = convolution([1, 1, 1, 1, 0, 8, 8])
        let pass = Pass(
            convolution,
            height: 1,
            widths: [5],
            weights: seededNumbers(64, key: 1)
        )
        pass.input.write(seededNumbers(40, key: 2), line: 0, channels: 8)
        let sums = pass.forward(0)
        let before = seededNumbers(40, key: 3)
        let bias = padded(seededNumbers(8, key: 4), columns: 8)
        pass.output.write(before, line: 0, channels: 8)
        convolution.forward(
            line: 0,
            input: pass.input.planes,
            weights: pass.weights.base,
            bias: bias.base,
            rectified: true,
            adding: true,
            output: pass.output.planes
        )
        let expected = (0..<40).map { before[$0] + max(0, sums[$0] + bias.base[$0 % 8]) }
        #expect(distance(pass.output.read(line: 0, channels: 8), expected) < 1e-6)
    }
}

/// The definition, written out in double precision.
struct SlowConvolution {
    let convolution: Convolution
    let height: Int
    let width: Int

    init(_ convolution: Convolution, height: Int, width: Int) {
        self.convolution = convolution
        self.height = height
        self.width = width
    }

    func forward(_ input: [Double], _ weights: [Double]) -> [Double] {
        let c = convolution
        let (inputs, outputs) = (c.inputChannels, c.outputChannels)
        let outputWidth = width / c.stride
        var output: [Double] = []
        for y in 0..<c.outputHeight(height) {
            for x in 0..<outputWidth {
                var sums = [Double](repeating: 0, count: outputs)
                for ky in 0..<c.kernelHeight {
                    for kx in 0..<c.kernelWidth {
                        let row = y * c.stride + ky * c.dilation - c.paddingHeight
                        let column = x * c.stride + (kx - c.kernelWidth / 2) * c.dilation
                        guard row >= 0, row < height, column >= 0, column < width else { continue }
                        for i in 0..<inputs {
                            let value = input[(row * width + column) * inputs + i]
                            let start = ((ky * c.kernelWidth + kx) * inputs + i) * outputs
                            for o in 0..<outputs { sums[o] += value * weights[start + o] }
                        }
                    }
                }
                output += sums
            }
        }
        return output
    }
}
