import Testing

@testable import Learning

@Suite struct StateDifferenceTests {
    private let layout = StateLayout(tables: [
        StateLayout.Table(
            "users",
            columns: [
                .list(values: "users.ids.bytes", lengths: "users.ids.lengths"),
                .dense("users.factors"),
            ]
        )
    ])

    private func state(_ rows: [(String, [Float])], width: Int = 2) -> NamedTensors {
        var tensors = NamedTensors()
        tensors["users.ids.bytes"] = Tensor(rows.flatMap { Array($0.0.utf8) })
        tensors["users.ids.lengths"] = Tensor(rows.map { Int32($0.0.utf8.count) })
        tensors["users.factors"] = Tensor(rows.flatMap(\.1), shape: [rows.count, width])
        return tensors
    }

    @Test func `rows are matched by id, not by place, and free rows are none`() throws {
        let before = state([("a", [0, 0]), ("b", [1, 1]), ("gone", [9, 9]), ("", [5, 5])])
        let after = state([("b", [4, 5]), ("", [7, 7]), ("new", [1, 2]), ("a", [0, 1])])
        let table = try #require(
            try StateDifference(from: before, to: after, layout: layout, limit: 10).tables.first
        )
        #expect(table.moved.map(\.id) == ["b", "a"])
        #expect(table.moved.map(\.distance) == [5, 1])
        #expect(table.added == ["new"])
        #expect(table.removed == ["gone"])
        #expect(table.commonCount == 2)
    }

    @Test func `states of different widths are refused`() throws {
        let error = #expect(throws: LearningError.self) {
            try StateDifference(
                from: state([("a", [0, 0])]),
                to: state([("a", [0, 0, 0])], width: 3),
                layout: layout,
                limit: 1
            )
        }
        #expect(error?.message.contains("2 numbers a row") == true)
    }
}
