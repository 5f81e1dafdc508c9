import KafkaWire
import NIOCore

/// The requests of one connection that are being carried out, and their answers that wait for those
/// of earlier requests.
///
/// Answers are given out in the order of the requests, as Kafka's protocol demands.
struct RequestsUnderWay {
    private struct Entry {
        var frame: ByteBuffer
        /// nil if its header cannot be read.
        var request: Request?
        var answer: Answer?
    }

    private var entries = CircularBuffer<Entry>()
    /// The number of the first entry; requests are numbered as they come.
    private var firstNumber = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// The API of the request that came last.
    var lastKey: APIKey? { entries.last?.request?.key }

    /// The requests that have no answer yet.
    var unanswered: [Request] { entries.filter { $0.answer == nil }.compactMap(\.request) }

    /// Adds a request; returns its number.
    mutating func add(_ frame: ByteBuffer, _ request: Request?) -> Int {
        entries.append(Entry(frame: frame, request: request))
        return firstNumber + entries.count - 1
    }

    /// Takes the answer to a request; what was forgotten, or has an answer, gets none.
    mutating func answer(_ number: Int, _ answer: Answer) {
        let position = number - firstNumber
        guard entries.indices.count > position, position >= 0 else { return }
        let index = entries.index(entries.startIndex, offsetBy: position)
        if entries[index].answer == nil { entries[index].answer = answer }
    }

    /// Removes the first request if it has its answer; nil if it has to be waited for.
    mutating func takeAnswered() -> (frame: ByteBuffer, answer: Answer)? {
        guard let first = entries.first, let answer = first.answer else { return nil }
        entries.removeFirst()
        firstNumber += 1
        return (first.frame, answer)
    }

    /// Forgets all requests; returns their bytes.
    mutating func removeAll() -> [ByteBuffer] {
        defer {
            firstNumber += entries.count
            entries.removeAll()
        }
        return entries.map(\.frame)
    }
}
