import Foundation

@testable import ModelStore

/// A directory that is removed with this object.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let parent = FileManager.default.temporaryDirectory
        path = parent.appendingPathComponent("freshet-store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension ModelStore {
    /// A version that claims nothing of the journal but its present end, unless told otherwise.
    func newVersion(
        _ model: String,
        epoch: Int64,
        blob: BlobReference,
        base: Int64? = nil,
        branch: Int64? = nil,
        journalPosition: Int64? = nil,
        settings: String = "{}",
        metrics: [(name: String, value: Double)] = []
    ) throws -> NewVersion {
        NewVersion(
            model: model,
            epoch: epoch,
            kind: .stateful,
            blob: blob,
            base: base,
            branch: try branch ?? currentBranch(of: model).id,
            settings: settings,
            codeRevision: "test",
            journalPosition: try journalPosition ?? self.journalPosition(of: model),
            nextOffsets: [
                OffsetPosition(topic: "interactions", partition: 0, offset: 10),
                OffsetPosition(topic: "interactions", partition: 1, offset: 20),
            ],
            sequence: 7,
            updateHash: "abc",
            updatesOffset: 42,
            watermark: 1_700_000_000_000,
            eventCount: 30,
            metrics: metrics,
            createdAt: 1_700_000_000_123
        )
    }

    /// Writes a file of this text and records it as the next version.
    @discardableResult
    func add(
        _ model: String,
        epoch: Int64,
        content: String,
        base: Int64? = nil
    ) throws -> ModelVersion {
        let blob = try writeBlob([Array(content.utf8)])
        return try addVersion(newVersion(model, epoch: epoch, blob: blob, base: base))
    }
}

/// A range of the topic `interactions`.
func range(_ partition: Int32, _ first: Int64, _ last: Int64) -> OffsetRange {
    OffsetRange(topic: "interactions", partition: partition, first: first, last: last)
}

/// The kind of error that the body throws; nil when it throws none.
func errorKind(_ body: () throws -> Void) -> ModelStoreError.Kind? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ModelStoreError)?.kind
    }
}

/// The paths below a store's `blobs`, in ascending order.
func files(in store: String) -> [String] {
    let paths = FileManager.default.enumerator(atPath: store + "/blobs")
    return (paths?.compactMap { $0 as? String } ?? []).filter {
        $0.contains(".") || $0.contains("-")
    }
    .sorted()
}

/// Overwrites a byte in the middle of a file by another one.
func flipBit(of path: String) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 0x10
    try bytes.write(to: URL(fileURLWithPath: path))
}

/// Random numbers that a seed reproduces: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
