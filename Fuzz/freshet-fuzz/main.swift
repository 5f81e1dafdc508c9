import CAllocationCount
import Foundation
import FuzzCases
import FuzzImages

// freshet-fuzz [--cases N] [--seed S] [--only INDEX]      bytes through the broker's code
// freshet-fuzz --frames N [--seed S]                      requests to a broker over TCP
// freshet-fuzz --images N [--seed S] [--only INDEX]       pictures through the decoders

var options = ["--cases": 1_000_000, "--frames": 0, "--images": 0, "--seed": 1, "--only": -1]
var arguments = CommandLine.arguments.dropFirst()
while let name = arguments.popFirst() {
    guard options[name] != nil, let value = arguments.popFirst().flatMap({ Int($0) }), value >= 0
    else { fail("use --cases N, --frames N, --images N, --seed S, --only INDEX") }
    options[name] = value
}

let seed = UInt64(options["--seed"] ?? 1)
if let frames = options["--frames"], frames > 0 {
    try await fuzzBroker(frames: frames, seed: seed)
} else if let images = options["--images"], images > 0 {
    let only = options["--only"].flatMap { $0 >= 0 ? UInt64($0) : nil }
    try fuzzImages(only.map { $0..<$0 + 1 } ?? 0..<UInt64(images), seed)
} else if let only = options["--only"], only >= 0 {
    fuzzCode(UInt64(only)..<UInt64(only) + 1, seed)
} else {
    fuzzCode(0..<UInt64(options["--cases"] ?? 0), seed)
}

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(1)
}

/// Runs cases and prints what became of them.
func fuzzCode(_ cases: Range<UInt64>, _ seed: UInt64) {
    var run = FuzzRun(
        seed: seed,
        meter: ac_is_counting() ? .init(begin: ac_begin, peak: { Int(ac_peak()) }) : nil
    )
    if !ac_is_counting() { print("memory is not counted: that needs glibc") }
    let begin = ContinuousClock.now
    for index in cases {
        ac_watch(seed, index, 30)
        run.run(index)
    }
    ac_watch(0, 0, 0)
    print("\(cases.count) cases of seed \(seed) in \(ContinuousClock.now - begin)")
    for (name, count) in run.counts.sorted(by: { $0.key < $1.key }) {
        let share = run.greatestShare[name].map { Int($0 * 100) }
        let memory = share.map { ", at most \($0) % of the memory that it may take" } ?? ""
        print("\(name): \(count.all), of which \(count.accepted) were accepted\(memory)")
    }
    if !run.failures.isEmpty { fail(run.failures.joined(separator: "\n")) }
}

/// Decodes damaged pictures and prints what became of them.
func fuzzImages(_ cases: Range<UInt64>, _ seed: UInt64) throws {
    let meter = ImageFuzzRun.Meter(
        begin: ac_begin,
        peak: { Int(ac_peak()) },
        held: { Int(ac_held()) }
    )
    var run = try ImageFuzzRun(seed: seed, meter: ac_is_counting() ? meter : nil)
    let begin = ContinuousClock.now
    for index in cases {
        ac_watch(seed, index, 30)
        run.run(index)
    }
    ac_watch(0, 0, 0)
    print(
        "\(cases.count) pictures of seed \(seed) in \(ContinuousClock.now - begin):",
        terminator: " "
    )
    print(
        "\(run.intact) intact, \(run.accepted) damaged ones decoded, \(run.refused) refused,",
        terminator: " "
    )
    print("at most \(Int(run.greatestShare * 100)) % of the memory that they may take")
    if !run.failures.isEmpty { fail(run.failures.joined(separator: "\n")) }
}
