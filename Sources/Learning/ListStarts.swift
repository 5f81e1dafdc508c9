/// Where each of many lists, one after another, begins.
struct ListStarts {
    private var starts: [Int] = [0]

    init(_ lengths: [Int32]) {
        starts.reserveCapacity(lengths.count + 1)
        var next = 0
        for length in lengths {
            next += Int(length)
            starts.append(next)
        }
    }

    /// Number of elements of all lists.
    var total: Int { starts[starts.count - 1] }

    /// The elements of lists that follow one another.
    func elements(of lists: Range<Int>) -> Range<Int> {
        starts[lists.lowerBound]..<starts[lists.upperBound]
    }
}
