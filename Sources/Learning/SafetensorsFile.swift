import Foundation

/// A safetensors file of which only the header is in memory; tensors are read from it in pieces.
///
/// Header and size are checked when it is opened, as strictly as `Safetensors.decode` does. The
/// file must not be changed meanwhile. Owns the descriptor; may be read from several threads.
public final class SafetensorsFile: TensorSource, Sendable {
    /// Where the file is.
    public let path: String
    /// The file's metadata.
    public let metadata: [String: String]
    /// The names of its tensors, in the order of their bytes.
    public let names: [String]
    private let descriptor: Int32
    private let dataStart: Int
    private let entries: [String: Safetensors.Entry]

    /// Opens a file and reads its header.
    public init(path: String) throws(LearningError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("cannot be opened", path) }
        do throws(LearningError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw Self.failure("has no size", path) }
            let byteCount = Int(status.st_size)
            let first = try Self.bytes(descriptor, path, at: 0, count: min(8, byteCount))
            let dataStart = try first.withUnsafeBufferPointer {
                first throws(LearningError) -> Int in
                try Safetensors.dataStart(
                    ofFile: UnsafeRawBufferPointer(first),
                    byteCount: byteCount
                )
            }
            let text = try Self.bytes(descriptor, path, at: 8, count: dataStart - 8)
            let header = try text.withUnsafeBufferPointer {
                text throws(LearningError) -> Safetensors.Header in
                try Safetensors.Header(
                    UnsafeRawBufferPointer(text),
                    dataByteCount: byteCount - dataStart
                )
            }
            self.dataStart = dataStart
            metadata = header.metadata
            names = header.entries.map(\.name)
            entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether there is a tensor of that name.
    public func contains(_ name: String) -> Bool { entries[name] != nil }

    /// Element type and shape of a tensor that must be there.
    public func type(
        of name: String
    ) throws(LearningError) -> (elementType: Tensor.ElementType, shape: [Int]) {
        guard let entry = entries[name] else { throw .missing(name) }
        return (entry.elementType, entry.shape)
    }

    /// Reads bytes of a tensor that must be there.
    public func read(
        _ name: String,
        at byteOffset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LearningError) {
        guard let range = entries[name]?.range else { throw .missing(name) }
        guard byteOffset >= 0, byteOffset + target.count <= range.count else {
            throw .tooShort(name, range.count, needed: byteOffset + target.count)
        }
        try Self.read(descriptor, path, at: dataStart + range.lowerBound + byteOffset, into: target)
    }

    private static func bytes(
        _ descriptor: Int32,
        _ path: String,
        at offset: Int,
        count: Int
    ) throws(LearningError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBufferPointer { bytes throws(LearningError) in
            try read(descriptor, path, at: offset, into: UnsafeMutableRawBufferPointer(bytes))
        }
        return bytes
    }

    /// Fills `target`, however many calls that takes: pread(2) may return less than was asked for.
    private static func read(
        _ descriptor: Int32,
        _ path: String,
        at offset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LearningError) {
        var done = 0
        while done < target.count, let start = target.baseAddress {
            let count = pread(descriptor, start + done, target.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read", path) }
            guard count > 0 else {
                throw LearningError(
                    .unreadable,
                    "file \(path) ends at \(offset + done), it was longer when it was opened",
                    remedy: "something else writes to it: restore it or use another version"
                )
            }
            done += count
        }
    }

    private static func failure(_ what: String, _ path: String) -> LearningError {
        LearningError(
            .unreadable,
            "file \(path) \(what): \(String(cString: strerror(errno)))",
            remedy: "check the file, its rights and the disk, or use another version"
        )
    }
}
