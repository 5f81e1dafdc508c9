import CKernels

/// The best `limit` of the items offered, best first at the end; ties go to the lower row.
///
/// A heap with the worst at the root. Items must be offered in ascending order of rows.
struct TopList {
    struct Entry: Equatable {
        var score: Float
        var row: Int32

        func isBetter(than other: Entry) -> Bool {
            score > other.score || (score == other.score && row < other.row)
        }
    }

    private let limit: Int
    /// Rows that must not be in the list, ascending.
    private let excluded: [Int32]
    private var heap: [Entry] = []

    init(limit: Int, excluding excluded: [Int32]) {
        self.limit = limit
        self.excluded = excluded
    }

    /// The entries, best first.
    var sorted: [Entry] { heap.sorted { $0.isBetter(than: $1) } }

    /// Offers items `first`, `first + 1`…; `indices` is scratch of at least `scores.count`.
    mutating func offer(
        _ scores: UnsafeBufferPointer<Float>,
        first: Int,
        indices: UnsafeMutablePointer<UInt32>
    ) {
        // Short blocks, so that the threshold rises while the first items are looked at.
        let step = 256
        for start in stride(from: 0, to: scores.count, by: step) {
            let count = min(step, scores.count - start)
            let threshold = heap.count == limit ? heap[0].score : -.infinity
            guard let block = scores.baseAddress.map({ $0 + start }) else { return }
            let found = ck_select_above(block, count, threshold, indices)
            for index in 0..<found {
                let offset = Int(indices[index])
                offer(Entry(score: block[offset], row: Int32(first + start + offset)))
            }
        }
    }

    /// Offers one item.
    mutating func offer(_ entry: Entry) {
        if heap.count == limit {
            guard entry.isBetter(than: heap[0]), !isExcluded(entry.row) else { return }
            heap[0] = entry
            siftDown()
        } else if !isExcluded(entry.row) {
            heap.append(entry)
            siftUp()
        }
    }

    private func isExcluded(_ row: Int32) -> Bool {
        var (low, high) = (0, excluded.count)
        while low < high {
            let middle = (low + high) / 2
            if excluded[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low < excluded.count && excluded[low] == row
    }

    private mutating func siftUp() {
        var child = heap.count - 1
        while child > 0, heap[(child - 1) / 2].isBetter(than: heap[child]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var worst = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[worst].isBetter(than: heap[child]) {
                worst = child
            }
            guard worst != parent else { return }
            heap.swapAt(worst, parent)
            parent = worst
        }
    }
}
