extension Increment {
    /// Writes a state and an increment on it as the file of the whole state, piece by piece.
    ///
    /// The bytes are those of `Safetensors.encode` of the whole state. Without a base the increment
    /// must begin with nothing. `unreadable` says what to throw when the base cannot be read, or
    /// the increment does not belong on it; nothing or a part has been written then.
    public static func writeWhole<Failure: Error>(
        base: (any TensorSource)?,
        increment: NamedTensors,
        layout: StateLayout,
        metadata: [(String, String)] = [],
        unreadable: (LearningError) -> Failure,
        to write: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var whole: WholeFile
        do throws(LearningError) {
            whole = try WholeFile(base, increment, layout, metadata)
        } catch {
            throw unreadable(error)
        }
        while true {
            let count: Int
            do throws(LearningError) {
                count = try whole.read(into: buffer)
            } catch {
                throw unreadable(error)
            }
            guard count > 0 else { return }
            try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// The bytes of a whole state's file, made of those of its base and of an increment.
private struct WholeFile: ~Copyable {
    private let tensors: [OverlaidTensor]
    private let base: any TensorSource
    private var header: ArraySlice<UInt8>
    private var nextTensor = 0
    private var current: OverlayReader?

    init(
        _ base: (any TensorSource)?,
        _ increment: NamedTensors,
        _ layout: StateLayout,
        _ metadata: [(String, String)]
    ) throws(LearningError) {
        self.base = base ?? NamedTensors()
        var overlaid: [String: OverlaidTensor] = [:]
        var names: Set<String> = []
        for table in layout.tables {
            let overlay = try RowOverlay(table, base: base, increment: increment)
            for column in table.columns {
                names.formUnion(column.names)
                for tensor in try overlay.tensors(of: column, base: base, increment: increment) {
                    overlaid[tensor.name] = tensor
                }
            }
            names.formUnion([table.rowsName, table.baseCountName, table.sizeName])
        }
        for name in increment.names where !names.contains(name) {
            guard let tensor = increment[name] else { continue }
            if name.hasPrefix(Increment.basePrefix) {
                if let base { try increment.requireBase(name, in: base) }
                continue
            }
            overlaid[name] = OverlaidTensor(whole: name, tensor)
        }
        var entries = overlaid.values.map {
            Safetensors.Entry($0.name, $0.elementType, shape: $0.shape)
        }
        header = Safetensors.arrange(&entries, metadata: metadata)[...]
        tensors = entries.compactMap { overlaid[$0.name] }
    }

    /// Fills `target` as far as there are bytes left, and returns how many; 0 at the end.
    mutating func read(into target: UnsafeMutableRawBufferPointer) throws(LearningError) -> Int {
        var filled = min(header.count, target.count)
        target.copyBytes(from: header.prefix(filled))
        header = header.dropFirst(filled)
        while filled < target.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[filled...])
            let count = try current?.read(into: rest) ?? 0
            filled += count
            guard count == 0 else { continue }
            guard nextTensor < tensors.count else { break }
            current = OverlayReader(tensors[nextTensor], base: base)
            nextTensor += 1
        }
        return filled
    }
}

extension TensorSource {
    /// Throws unless the state that this increment is put on holds what `base/NAME` says.
    public func requireBase(_ name: String, in base: any TensorSource) throws(LearningError) {
        let stateName = String(name.dropFirst(Increment.basePrefix.utf8.count))
        let found: [Int64] = try base.values(stateName, shape: [-1])
        let expected: [Int64] = try values(name, shape: [found.count])
        guard expected == found else { throw .wrongBase(stateName, expected, found) }
    }
}

extension LearningError {
    /// An increment that belongs on another state.
    public static func wrongBase(
        _ name: String,
        _ expected: [Int64],
        _ found: [Int64]
    ) -> LearningError {
        LearningError(
            .tensor,
            "the increment belongs on a state with \(name) \(expected), this one has \(found)",
            remedy: "a version between them is missing or damaged: use another version"
        )
    }
}
