import Foundation

/// The events of a file, checked, in the order in which they are to be sent.
struct EventFile {
    /// The order of events.
    enum Order: Equatable {
        /// As in the file.
        case file
        /// By timestamp; those with the same one as in the file.
        case timestamp
        /// By timestamp; those with the same one at random, the same way for the same seed.
        case timestampShuffled(seed: UInt64)
    }

    /// A line that is no event.
    struct BadLine: Equatable {
        /// Its number, counted from 1.
        var number: Int
        /// What is wrong with it.
        var reason: String
    }

    /// Lines that are no events, the first `reportedLimit` of them.
    private(set) var badLines: [BadLine] = []
    /// How many lines are no events.
    private(set) var badCount = 0
    /// How many bad lines are kept to be told.
    static let reportedLimit = 20

    private let file: LineFile
    private let format: any LineFormat
    private var entries: [Entry] = []

    /// 16 bytes an event: what it takes to put them in order.
    private struct Entry {
        var timestamp: Int64
        var offset: Int
    }

    /// Reads every line once.
    ///
    /// Blank lines count as nothing.
    init(_ file: LineFile, options: ImportOptions, order: Order) throws(CommandFailure) {
        self.file = file
        let (format, start) = try options.reader(for: file)
        self.format = format
        // A heading is line 1.
        var number = start > file.start ? 1 : 0
        var offset = start
        while offset < file.bytes.count {
            let (content, next) = file.line(at: offset)
            number += 1
            do throws(LineProblem) {
                if !isBlank(content) {
                    let event = try format.interaction(in: file.bytes[content])
                    entries.append(Entry(timestamp: event.timestamp, offset: offset))
                }
            } catch {
                badCount += 1
                if badLines.count < Self.reportedLimit {
                    badLines.append(BadLine(number: number, reason: error.reason))
                }
            }
            offset = next
        }
        sort(order)
    }

    /// The number of events.
    var count: Int { entries.count }

    /// The format's name.
    var formatName: String { format.name }

    /// The event at a place in the order.
    func event(at index: Int) throws(LineProblem) -> Interaction {
        let content = file.line(at: entries[index].offset).content
        return try format.interaction(in: file.bytes[content])
    }

    private func isBlank(_ content: Range<Int>) -> Bool {
        file.bytes[content].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    private mutating func sort(_ order: Order) {
        switch order {
        case .file: break
        case .timestamp:
            entries.sort { ($0.timestamp, $0.offset) < ($1.timestamp, $1.offset) }
        case .timestampShuffled(let seed):
            entries.sort { left, right in
                (left.timestamp, Self.lot(left, seed)) < (right.timestamp, Self.lot(right, seed))
            }
        }
    }

    /// Differs between lines: offsets differ, and `mix` is a bijection.
    private static func lot(_ entry: Entry, _ seed: UInt64) -> UInt64 {
        RandomSource.mix(RandomSource.mix(UInt64(entry.offset)) ^ seed)
    }
}
