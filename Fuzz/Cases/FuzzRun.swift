import KafkaBroker
import KafkaSamples
import KafkaWire

/// Sends cases through the broker's code and looks whether it does what it must.
package struct FuzzRun {
    /// Counts memory; nil where that is not possible.
    package struct Meter {
        /// Begins to count.
        let begin: () -> Void
        /// The most bytes held at a time since then.
        let peak: () -> Int

        /// Makes a meter of its two functions.
        package init(begin: @escaping () -> Void, peak: @escaping () -> Int) {
            self.begin = begin
            self.peak = peak
        }
    }

    /// How many cases there were, and how many of them were not refused.
    package private(set) var counts: [String: (all: Int, accepted: Int)] = [:]
    /// What should not have happened.
    package private(set) var failures: [String] = []
    /// The most memory that a step took, in parts of what it may.
    package private(set) var greatestShare: [String: Double] = [:]

    private let seed: UInt64
    private let meter: Meter?
    private let untrusted = UntrustedBytes()
    private var index: UInt64 = 0
    private var name = ""
    /// What a failure names besides: of a request the bytes of its API and version.
    private var subject = ""
    /// What a step takes whatever the case is: errors with their texts, the first block of a buffer.
    private static let smallChange = 64 << 10
    /// What decompressors work with; lz4 takes most, two blocks of 4 MiB.
    private static let codecMemory = 9 << 20

    /// Prepares a run.
    package init(seed: UInt64, meter: Meter? = nil) {
        self.seed = seed
        self.meter = meter
    }

    /// Runs one case; which one follows from the seed and the index.
    package mutating func run(_ index: UInt64) {
        self.index = index
        var random = SplitMix(seed: seed &+ index &* 0x9E37_79B9_7F4A_7C15)
        var generator = Generator(seed: random.next())
        let found: Bool
        subject = ""
        switch generator.next() {
        case .stream(let pieces, let requests):
            name = "stream"
            found = stream(pieces, requests)
        case .request(let bytes, let isIntact):
            name = "request"
            subject = "\(bytes.prefix(4))"
            found = request(bytes, isIntact)
        case .batch(let bytes, let isIntact, let isCompacted):
            name = "batch"
            found = batch(bytes, isIntact, isCompacted)
        }
        counts[name, default: (0, 0)].all += 1
        if found { counts[name, default: (0, 0)].accepted += 1 }
    }

    private mutating func fail(_ what: String) {
        // The first ones are enough to go on with.
        if failures.count < 100 { failures.append("case \(index) \(subject): \(what)") }
    }

    private mutating func stream(_ pieces: [[UInt8]], _ requests: [[UInt8]]?) -> Bool {
        let size = pieces.reduce(0) { $0 + $1.count }
        var cut: [[UInt8]] = []
        var isRefused = false
        // What has arrived, with 1 MiB of room for what was announced, in a power of two.
        let untrusted = untrusted
        within(4 * size + (2 << 20) + Self.smallChange) {
            do throws(BrokerError) {
                try untrusted.requests(in: pieces, maximumSize: Generator.maximumSize) { bytes in
                    if requests != nil { cut.append(Array(bytes)) }
                }
            } catch {
                isRefused = true
            }
        }
        if let requests, isRefused || cut != requests {
            fail("an intact stream was not cut into its requests")
        }
        return !isRefused
    }

    private mutating func request(_ bytes: [UInt8], _ isIntact: Bool) -> Bool {
        var outcome = Result<Void, WireError>.success(())
        within(4 * bytes.count + WireReader.freeMemory + Self.smallChange) {
            outcome = Result { () throws(WireError) in try RequestReading(bytes).readByHand() }
        }
        var generic = outcome
        within(4 * bytes.count + WireReader.freeMemory + Self.smallChange) {
            generic = Result { () throws(WireError) in try RequestReading(bytes).readBySchema() }
        }
        if isIntact, case .failure(let error) = outcome {
            fail("an intact request was refused: \(error)")
        }
        if isIntact, case .failure(let error) = generic {
            fail("an intact request was refused by its schema: \(error)")
        }
        if case .success = outcome { return true }
        return false
    }

    private mutating func batch(_ bytes: [UInt8], _ isIntact: Bool, _ isCompacted: Bool) -> Bool {
        var code = ErrorCode.none
        // While the memory for what is expanded grows, its old half is there too.
        let expanded = 2 * UntrustedBytes.decompressionLimit(ofBatch: bytes.count)
        let untrusted = untrusted
        within(4 * bytes.count + expanded + Self.codecMemory) {
            code = untrusted.check(bytes, isCompacted: isCompacted)
        }
        if isIntact, code != .none { fail("an intact batch got \(code)") }
        return code == .none
    }

    /// Does a step and looks how much memory it took.
    private mutating func within(_ limit: Int, _ step: () -> Void) {
        meter?.begin()
        step()
        guard let peak = meter?.peak() else { return }
        greatestShare[name] = max(greatestShare[name] ?? 0, Double(peak) / Double(limit))
        if peak > limit { fail("a \(name) took \(peak) bytes, it may take \(limit)") }
    }
}
