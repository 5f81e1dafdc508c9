import Learning
import Testing

@testable import Recommendation

/// Copies of rows in memory that was touched beforehand.
struct CheckpointCopyTests {
    private let matrix = RowMatrix(width: 5)

    init() {
        for row in 0..<10_000 as Range<Int32> {
            let values = matrix.append()
            for column in 0..<5 { values[column] = Float(row) * 5 + Float(column) }
        }
    }

    @Test(arguments: [0, 1, 39_999, 40_000, 1_000_000])
    func `a copy is the same in whatever memory was prepared for it`(_ byteCount: Int) {
        let rows = RowSelection.some((0..<2_000).map { $0 * 3 })
        let memory = WarmMemory()
        memory.prepare(byteCount: byteCount)
        let copy = matrix.tensor(rows, in: memory)
        #expect(copy.shape == [2_000, 5])
        let expected = (0..<2_000).flatMap { row in (0..<5).map { Float(row * 15 + $0) } }
        #expect(copy.values(of: Float.self) == expected)
        #expect(copy == matrix.tensor(rows))
        #expect(matrix.tensor(.all(10_000), in: memory) == matrix.tensor(.all(10_000)))
    }

    @Test func `memory is prepared once, for what is large`() throws {
        let column = MatrixColumn("factors", matrix)
        #expect(column.prepareCopy(rowCount: 10_000) == nil)
        let prepare = try #require(column.prepareCopy(rowCount: 100_000))
        prepare()
        var tensors = NamedTensors()
        column.encode(.all(10_000), into: &tensors)
        #expect(tensors["factors"] == matrix.tensor(.all(10_000)))
        #expect((tensors["factors"]?.bytes.capacity ?? 0) >= 100_000 * 20)
        column.encode(.all(10_000), into: &tensors)
        #expect((tensors["factors"]?.bytes.capacity ?? .max) < 100_000 * 20)
    }
}
