import Learning
import ModelStore

/// Tensors whose bytes are in a spool file.
struct SpooledTensors: TensorSource {
    private struct Entry {
        var elementType: Tensor.ElementType
        var shape: [Int]
        var bytes: Range<Int>
    }

    let names: [String]
    private var entries: [String: Entry] = [:]
    private let spool: SpoolFile

    /// Appends tensors to a spool, which is as before when there is no room for all of them.
    init(_ tensors: NamedTensors, in spool: SpoolFile) throws(ModelStoreError) {
        names = tensors.names
        self.spool = spool
        let end = spool.byteCount
        do throws(ModelStoreError) {
            for name in tensors.names {
                guard let tensor = tensors[name] else { continue }
                entries[name] = try Self.append(tensor, to: spool)
            }
        } catch {
            spool.truncate(to: end)
            throw error
        }
    }

    private static func append(
        _ tensor: Tensor,
        to spool: SpoolFile
    ) throws(ModelStoreError) -> Entry {
        let start = try tensor.bytes.withUnsafeBufferPointer { bytes throws(ModelStoreError) in
            try spool.append(UnsafeRawBufferPointer(bytes))
        }
        return Entry(
            elementType: tensor.elementType,
            shape: tensor.shape,
            bytes: start..<(start + tensor.bytes.count)
        )
    }

    func contains(_ name: String) -> Bool { entries[name] != nil }

    func type(
        of name: String
    ) throws(LearningError) -> (elementType: Tensor.ElementType, shape: [Int]) {
        let entry = try entry(name)
        return (entry.elementType, entry.shape)
    }

    func read(
        _ name: String,
        at byteOffset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LearningError) {
        let bytes = try entry(name).bytes
        guard byteOffset >= 0, byteOffset + target.count <= bytes.count else {
            throw .tooShort(name, bytes.count, needed: byteOffset + target.count)
        }
        do throws(ModelStoreError) {
            try spool.read(at: bytes.lowerBound + byteOffset, into: target)
        } catch {
            throw LearningError(.unreadable, error.message, remedy: error.remedy)
        }
    }

    private func entry(_ name: String) throws(LearningError) -> Entry {
        guard let entry = entries[name] else { throw .missing(name) }
        return entry
    }
}
