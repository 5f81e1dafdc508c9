import Foundation
import Synchronization

/// What one run measured, printed as one line of JSON.
struct Measurement: Encodable {
    var seconds: Double
    /// Requests, writes or transactions.
    var operations: Int
    var bytes: Int
    var records: Int
    var p50Milliseconds: Double
    var p99Milliseconds: Double
    /// CPU time of this process, to see whether it was the bound.
    var cpuSeconds: Double

    /// Sums up what threads measured in a run.
    init(_ tallies: [Tally], seconds: Double) {
        self.seconds = seconds
        let durations = tallies.flatMap(\.durations).sorted()
        operations = tallies.reduce(0) { $0 + $1.operations }
        bytes = tallies.reduce(0) { $0 + $1.bytes }
        records = tallies.reduce(0) { $0 + $1.records }
        func percentile(_ part: Double) -> Double {
            durations.isEmpty ? 0 : durations[Int(part * Double(durations.count - 1))] * 1000
        }
        p50Milliseconds = percentile(0.5)
        p99Milliseconds = percentile(0.99)
        cpuSeconds = Double(clock()) / Double(CLOCKS_PER_SEC)
    }

    func print() throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = .sortedKeys
        Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}

/// What one thread counted.
struct Tally: Sendable {
    var operations = 0
    var bytes = 0
    var records = 0
    /// How long each operation took, in seconds.
    var durations: [Double] = []

    /// Counts an operation that began at a time and ends now.
    mutating func add(bytes: Int, records: Int, since begin: ContinuousClock.Instant) {
        operations += 1
        self.bytes += bytes
        self.records += records
        durations.append(begin.duration(to: .now).inSeconds)
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

/// Runs a body on threads of their own, and waits for all.
///
/// - Parameters:
///   - count: How many threads.
///   - prepare: Called on each thread before the time begins to run, with the thread's number.
///   - body: What is measured, with what `prepare` made.
/// - Returns: What the threads counted, in how long.
/// - Throws: What `prepare` or `body` throws.
func measure<Prepared>(
    threads count: Int,
    prepare: @escaping @Sendable (Int) throws -> Prepared,
    _ body: @escaping @Sendable (inout Prepared) throws -> Tally
) throws -> Measurement {
    let results = Mutex<[Result<Tally, any Error>]>([])
    let (ready, finished) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let start = DispatchSemaphore(value: 0)
    for number in 0..<count {
        Thread.detachNewThread {
            let prepared = Result { try prepare(number) }
            ready.signal()
            start.wait()
            let result = Result { () throws -> Tally in
                var prepared = try prepared.get()
                return try body(&prepared)
            }
            results.withLock { $0.append(result) }
            finished.signal()
        }
    }
    for _ in 0..<count { ready.wait() }
    let begin = ContinuousClock.now
    for _ in 0..<count { start.signal() }
    for _ in 0..<count { finished.wait() }
    let seconds = begin.duration(to: .now).inSeconds
    return Measurement(try results.withLock { try $0.map { try $0.get() } }, seconds: seconds)
}
