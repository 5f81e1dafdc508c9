/// Tells which rows have not been used for a given time of the events' own clock.
///
/// Rows know at which event they were last used, not when that was. So a short list of marks is
/// kept: after so many events the largest timestamp was that. Marks two apart differ by at least
/// 1/64 of the time to live; so there are few, and rows live at most 1/64 longer. Owned by the
/// learner's thread.
struct ExpiryMarks: Equatable {
    /// At which event the largest timestamp so far was what.
    struct Mark: Equatable {
        var clock: Int64
        var watermark: Int64
    }

    /// The most marks that there can be: two in each of 64 steps, and those at both ends.
    static let maximumCount = 2 * 64 + 3

    /// Milliseconds that a row lives without being used, over 0.
    let timeToLive: Int64
    /// Ascending in both numbers.
    private(set) var marks: [Mark] = []

    init(timeToLive: Int64, marks: [Mark] = []) {
        self.timeToLive = timeToLive
        self.marks = marks
    }

    /// Notes how far the events are.
    ///
    /// Returns the clock up to which rows have expired, nil when there is none newly so.
    mutating func advance(clock: Int64, watermark: Int64) -> Int64? {
        let mark = Mark(clock: clock, watermark: watermark)
        let step = max(timeToLive / 64, 1)
        if marks.count >= 2, watermark - marks[marks.count - 2].watermark < step {
            marks[marks.count - 1] = mark
        } else {
            marks.append(mark)
        }
        // Rows that were last used when a mark was set, or before, are at least as old as it.
        guard let last = marks.lastIndex(where: { $0.watermark <= watermark - timeToLive }) else {
            return nil
        }
        let expired = marks[last].clock
        marks.removeFirst(last + 1)
        return expired
    }
}
