import CKernels
import Foundation
import Learning
import Testing

/// The loss of connectionist temporal classification, against PyTorch, against every alignment
/// written out, and against differences.
struct CTCLossTests {
    private struct Result {
        var loss: Double?
        var gradient: [Float]
    }

    private func run(_ logs: [Float], classes: Int, labels: [Int32]) -> Result {
        var loss = CTCLoss()
        var gradient = [Float](repeating: .nan, count: logs.count)
        let found = loss.loss(
            logProbabilities: logs,
            stepCount: logs.count / classes,
            classCount: classes,
            stride: classes,
            labels: labels,
            weight: 1,
            gradient: &gradient
        )
        return Result(loss: found, gradient: gradient)
    }

    @Test(arguments: 0..<7)
    func `loss and gradient are PyTorch's`(index: Int) throws {
        let figures = try PyTorchFigures()
        let name = "ctc\(index)."
        let labels = try figures.integers(name + "labels").map { Int32($0) }
        let found = run(
            try figures.numbers(name + "log_probabilities"),
            classes: 13,
            labels: labels
        )
        let expected = Double(try figures.numbers(name + "loss")[0])
        #expect(abs((found.loss ?? 0) - expected) < 1e-5 * max(1, expected))
        #expect(try distance(found.gradient, figures.numbers(name + "gradient")) < 2e-6)
    }

    /// Every sequence of classes that reads as `labels`, by trying all.
    private func sumOfAlignments(_ logs: [Double], classes: Int, labels: [Int32]) -> Double {
        let steps = logs.count / classes
        var total = 0.0
        var path = [Int](repeating: 0, count: steps)
        while true {
            var text: [Int32] = []
            for (t, k) in path.enumerated() where k != 0 && (t == 0 || path[t - 1] != k) {
                text.append(Int32(k))
            }
            if text == labels {
                total += exp(
                    path.enumerated().reduce(0) { $0 + logs[$1.offset * classes + $1.element] }
                )
            }
            guard let digit = path.lastIndex(where: { $0 < classes - 1 }) else { return total }
            path[digit] += 1
            for later in (digit + 1)..<max(digit + 1, steps) { path[later] = 0 }
        }
    }

    private func logSoftmax(_ logits: [Double], classes: Int) -> [Double] {
        stride(from: 0, to: logits.count, by: classes).flatMap { start in
            let row = logits[start..<(start + classes)]
            let sum = log(row.reduce(0) { $0 + exp($1) })
            return row.map { $0 - sum }
        }
    }

    @Test(
        arguments: [
            ([1], 1), ([1], 4), ([1, 2], 4), ([1, 1], 3), ([1, 1], 5), ([2, 1, 2], 5), ([], 3),
            ([3, 3, 1], 6),
        ] as [([Int32], Int)]
    )
    func `loss is that of all alignments and gradient is its difference`(
        labels: [Int32],
        steps: Int
    ) throws {
        let classes = 4
        let logits = seededNumbers(steps * classes, key: 5).map { Double($0) * 2 }
        func slowLoss(_ logits: [Double]) -> Double {
            let logs = logSoftmax(logits, classes: classes)
            return -log(sumOfAlignments(logs, classes: classes, labels: labels))
        }
        let logs = logSoftmax(logits, classes: classes)
        let found = run(logs.map { Float($0) }, classes: classes, labels: labels)
        let loss = try #require(found.loss)
        #expect(abs(loss - slowLoss(logits)) < 1e-5)
        for index in logits.indices {
            var (up, down) = (logits, logits)
            up[index] += 1e-4
            down[index] -= 1e-4
            let slope = (slowLoss(up) - slowLoss(down)) / 2e-4
            #expect(abs(Double(found.gradient[index]) - slope) < 1e-5)
        }
    }

    @Test(arguments: [([1, 2, 3], 2), ([1, 1], 2), ([1], 0)] as [([Int32], Int)])
    func `a text that no alignment gives has neither loss nor gradient`(
        labels: [Int32],
        steps: Int
    ) {
        let logs = logSoftmax([Double](repeating: 0, count: steps * 4), classes: 4)
        let found = run(logs.map { Float($0) }, classes: 4, labels: labels)
        #expect(found.loss == nil)
        #expect(found.gradient.allSatisfy { $0 == 0 })
    }

    @Test func `a text of probability zero has neither loss nor gradient`() {
        let logs: [Float] = [0, -.infinity, 0, -.infinity]
        let found = run(logs, classes: 2, labels: [1])
        #expect(found.loss == nil)
        #expect(found.gradient == [0, 0, 0, 0])
    }

    @Test func `very unlikely texts still have a finite loss and gradient`() throws {
        let logs = [[Float]](repeating: [-1e-30, -90], count: 200).flatMap(\.self)
        let found = run(logs, classes: 2, labels: [Int32](repeating: 1, count: 100))
        let loss = try #require(found.loss)
        #expect(abs(loss - 9000) < 10)
        #expect(found.gradient.allSatisfy { $0.isFinite })
    }

    @Test func `log-softmax agrees with its definition`() {
        let logits = seededNumbers(3 * 48, key: 8).map { $0 * 20 }
        var found = logits
        ck_log_softmax(&found, 3, 43, 48)
        for row in 0..<3 {
            let own = logits[(row * 48)..<(row * 48 + 43)].map(Double.init)
            let expected = logSoftmax(own, classes: 43)
            #expect(
                distance(found[(row * 48)..<(row * 48 + 43)], expected.map { Float($0) }) < 1e-5
            )
            // What the row is rounded up by stays as it was.
            let rest = (row * 48 + 43)..<(row * 48 + 48)
            #expect(found[rest] == logits[rest])
        }
    }
}
