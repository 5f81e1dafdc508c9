import CKernels
import Foundation
import Learning
import Testing

@testable import Recommendation

/// Each C kernel beside the plain loop it stands for.
struct KernelTests {
    private func rows(_ count: Int, _ k: Int, key: UInt64, scale: Float = 1) -> RowMatrix {
        var random = KeyedRandom(key: key)
        let matrix = RowMatrix(width: k)
        for _ in 0..<count {
            let row = matrix.append()
            for f in 0..<k { row[f] = Float(random.unit() * 2 - 1) * scale }
        }
        return matrix
    }

    private func array(_ matrix: RowMatrix, _ row: Int32) -> [Double] {
        (0..<matrix.width).map { Double(matrix[row][$0]) }
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }

    @Test(arguments: [1, 3, 16, 64, 100])
    func `dot products are right and the same in every call`(k: Int) {
        let users = rows(7, k, key: 1)
        let items = rows(5003, k, key: 2)
        let pointers = (0..<Int32(7)).map { Optional(UnsafePointer(users[$0])) }
        let itemPointers = (0..<Int32(11)).map { Optional(UnsafePointer(items[$0])) }
        var block = [Float](repeating: 0, count: 7 * 5003)
        var start = 0
        while start < items.count {
            let run = items.run(from: start, limit: 997)
            block.withUnsafeMutableBufferPointer { block in
                guard let scores = block.baseAddress else { return }
                ck_score_block(
                    pointers,
                    7,
                    run.rows,
                    run.count,
                    items.stride,
                    scores + start,
                    5003
                )
            }
            start += run.count
        }
        for user in 0..<Int32(7) {
            for item in stride(from: Int32(0), to: 5003, by: 13) {
                let single = ck_dot(users[user], items[item], items.stride)
                let expected = dot(array(users, user), array(items, item))
                #expect(abs(Double(single) - expected) < 1e-4)
                #expect(block[Int(user) * 5003 + Int(item)] == single)
            }
            var few = [Float](repeating: 0, count: 11)
            ck_dot_rows(users[user], itemPointers, 11, items.stride, &few)
            #expect(few == (0..<11).map { block[Int(user) * 5003 + $0] })
        }
    }

    @Test func `the softmax errors are one minus and minus the probabilities`() {
        for n in [1, 2, 5, 61] {
            var random = KeyedRandom(key: UInt64(n))
            var scores = (0..<n).map { _ in Float(random.unit() * 12 - 6) }
            let weights = scores.map { Foundation.exp(Double($0)) }
            let total = weights.reduce(0, +)
            let loss = ck_softmax_errors(&scores, n)
            #expect(abs(Double(loss) + Foundation.log(weights[0] / total)) < 1e-5)
            for index in 0..<n {
                let expected = (index == 0 ? 1 : 0) - weights[index] / total
                #expect(abs(Double(scores[index]) - expected) < 1e-6)
            }
        }
        for bad: Float in [.nan, .infinity, -.infinity] {
            var scores: [Float] = [1, bad, 2]
            #expect(!ck_softmax_errors(&scores, 3).isFinite)
        }
        var far: [Float] = [-3e38, 3e38]
        _ = ck_softmax_errors(&far, 2)
        #expect(far.allSatisfy { $0.isFinite })
    }

    @Test func `adagrad steps follow the formula`() {
        let k = 20
        let (q, a) = (rows(3, k, key: 4), RowMatrix(width: k))
        for _ in 0..<3 { a.append(filledWith: 0.01) }
        let x = rows(1, k, key: 5)
        let before = (0..<Int32(3)).map { array(q, $0) }
        let gradient = RowMatrix(width: k)
        gradient.append()
        let errors: [Float] = [0.7, -0.3, -0.4]
        // The last candidate is the first again: it must see the first one's step.
        let rows = [0, 1, 0].map { Optional(q[Int32($0)]) }
        let sums = [0, 1, 0].map { Optional(a[Int32($0)]) }
        ck_adagrad_candidates(
            x[0],
            gradient[0],
            rows,
            sums,
            errors,
            3,
            q.stride,
            0.1,
            0.002
        )
        for f in 0..<k {
            var (values, squares, total) = ([before[0][f], before[1][f]], [0.01, 0.01], 0.0)
            for (index, error) in zip([0, 1, 0], errors) {
                total += Double(error) * values[index]
                let g = Double(error) * Double(x[0][f]) - 0.002 * values[index]
                squares[index] += g * g
                values[index] += 0.1 * g / squares[index].squareRoot()
            }
            #expect(abs(Double(gradient[0][f]) - total) < 1e-5)
            #expect(abs(Double(q[0][f]) - values[0]) < 1e-5)
            #expect(abs(Double(q[1][f]) - values[1]) < 1e-5)
            #expect(abs(Double(a[0][f]) - squares[0]) < 1e-5)
            #expect(Double(q[2][f]) == before[2][f])
        }
        let old = array(q, 2)
        ck_adagrad_row(q[2], a[2], gradient[0], 0.8, q.stride, 0.1, 0.002)
        for f in 0..<k {
            let g = 0.8 * (Double(gradient[0][f]) - 0.002 * old[f])
            let expected = old[f] + 0.1 * g / (0.01 + g * g).squareRoot()
            #expect(abs(Double(q[2][f]) - expected) < 1e-5)
        }
    }

    @Test func `a biased step moves both rows from their old values`() {
        let rows = rows(2, 33, key: 9)
        let (p, q) = (array(rows, 0), array(rows, 1))
        ck_sgd_pair(rows[0], rows[1], 0.5, rows.stride, 0.1, 0.02)
        for f in 0..<33 {
            #expect(abs(Double(rows[0][f]) - (p[f] + 0.1 * (0.5 * q[f] - 0.02 * p[f]))) < 1e-6)
            #expect(abs(Double(rows[1][f]) - (q[f] + 0.1 * (0.5 * p[f] - 0.02 * q[f]))) < 1e-6)
        }
    }

    @Test func `weighted sums add rows in order`() {
        let source = rows(4, 24, key: 3)
        let target = rows(1, 24, key: 3)
        let weights: [Float] = [1, 0.8, 0.64, 0.512]
        ck_weighted_sum(
            target[0],
            (0..<Int32(4)).map { Optional(UnsafePointer(source[$0])) },
            weights,
            4,
            source.stride
        )
        for f in 0..<24 {
            let expected = (0..<4).map { Double(weights[$0] * source[Int32($0)][f]) }.reduce(0, +)
            #expect(abs(Double(target[0][f]) - expected) < 1e-6)
        }
    }

    @Test func `counting, selecting and searching agree with plain loops`() {
        var random = KeyedRandom(key: 8)
        for n in [1, 2, 63, 64, 65, 1000] {
            let scores = (0..<n).map { _ in Float(random.index(below: 30)) }
            let (doubles, integers) = (scores.map(Double.init), scores.map { Int64($0) })
            let index = random.index(below: n)
            let expected = scores.indices.count {
                scores[$0] > scores[index] || (scores[$0] == scores[index] && $0 < index)
            }
            var notFinite = 9
            #expect(ck_count_before(scores, n, index, &notFinite) == expected)
            #expect(notFinite == 0)
            #expect(ck_count_before_double(doubles, n, index) == expected)
            #expect(ck_count_before_integer(integers, n, index) == expected)
            var found = [UInt32](repeating: 0, count: n)
            let count = ck_select_above(scores, n, 20, &found)
            #expect(found[..<count].map(Int.init) == scores.indices.filter { scores[$0] > 20 })
            let values = scores.map { Int32($0) }
            for value: Int32 in [0, 15, 99] {
                #expect((ck_contains(values, n, value) != 0) == values.contains(value))
            }
            #expect(ck_all_finite(scores, n) == 1)
            var broken = scores
            broken[index] = n % 2 == 0 ? .nan : -.infinity
            #expect(ck_all_finite(broken, n) == 0)
            _ = ck_count_before(broken, n, 0, &notFinite)
            #expect(notFinite == 1)
        }
    }
}
