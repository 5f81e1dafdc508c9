/// Blocks of a few sizes, each size in an array of its own that has no holes: where a block is
/// released, the last one of that size moves in.
///
/// So memory never fragments, whatever is allocated and released, and depends on the blocks in use
/// only, not on what was there before. Each block has an owner, a row, which is told when its block
/// has moved. Owned by one thread, with the object that holds it.
final class BlockPool<Element: BitwiseCopyable> {
    /// Elements per block, by size class.
    private let lengths: [Int]
    private let elements: [Column<Element>]
    private let owners: [Column<Int32>]
    /// Bytes of all blocks in use, their owners included.
    private(set) var byteCount = 0

    init(lengths: [Int]) {
        self.lengths = lengths
        elements = lengths.map { _ in Column() }
        owners = lengths.map { _ in Column() }
    }

    /// The first element of a block; valid until the next allocation or release.
    func block(_ index: Int32, ofClass size: Int) -> UnsafeMutablePointer<Element> {
        elements[size].base + Int(index) * lengths[size]
    }

    /// Bytes that a block of a class takes.
    func byteCount(ofClass size: Int) -> Int {
        lengths[size] * MemoryLayout<Element>.stride + MemoryLayout<Int32>.stride
    }

    /// A block whose elements are all `value`.
    func allocate(ofClass size: Int, owner: Int32, filledWith value: Element) -> Int32 {
        let index = Int32(owners[size].count)
        owners[size].append(owner)
        elements[size].append(repeating: value, count: lengths[size])
        byteCount += byteCount(ofClass: size)
        return index
    }

    /// Gives a block back.
    ///
    /// Returns the owner whose block, formerly the last one of the class, now has this index; nil
    /// when none moved.
    func release(_ index: Int32, ofClass size: Int) -> Int32? {
        let last = Int32(owners[size].count - 1)
        let movedOwner = index == last ? nil : owners[size][last]
        if movedOwner != nil {
            owners[size].copyRow(last, to: index)
            elements[size].copyRow(last, to: index, width: lengths[size])
        }
        owners[size].truncate(to: Int(last))
        elements[size].truncate(to: Int(last) * lengths[size])
        byteCount -= byteCount(ofClass: size)
        return movedOwner
    }

    /// Gives a block to another owner.
    func setOwner(of index: Int32, ofClass size: Int, to owner: Int32) {
        owners[size][index] = owner
    }
}
