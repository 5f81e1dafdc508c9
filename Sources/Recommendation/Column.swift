import Glibc
import Learning

/// A growing array of plain numbers at a stable owner: no copy on write, no reference counting in
/// hot loops.
///
/// What is reserved beyond the elements is address space only: it has never been written, and large
/// blocks move by remapping pages, not by copying (`realloc`). An array that shrank by a quarter
/// gives memory back. So the elements are what is counted as its memory. Owned by one thread, with
/// the object that holds it.
final class Column<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int
    /// The most elements since memory was given back.
    private var touched = 0

    init(capacity: Int = 16) {
        self.capacity = capacity
        base = Self.resize(nil, to: capacity)
    }

    convenience init(_ elements: [Element]) {
        self.init(capacity: max(elements.count, 16))
        elements.withUnsafeBufferPointer { append($0) }
    }

    deinit { free(base) }

    /// Bytes of the elements.
    var byteCount: Int { count * MemoryLayout<Element>.stride }

    subscript(index: Int) -> Element {
        get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    subscript(row: Int32) -> Element {
        get { self[Int(row)] }
        set { self[Int(row)] = newValue }
    }

    func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        base[count] = element
        count += 1
    }

    func append(_ elements: UnsafeBufferPointer<Element>) {
        guard let source = elements.baseAddress else { return }
        if count + elements.count > capacity { grow(to: count + elements.count) }
        (base + count).update(from: source, count: elements.count)
        count += elements.count
    }

    func append(repeating element: Element, count added: Int) {
        if count + added > capacity { grow(to: count + added) }
        (base + count).update(repeating: element, count: added)
        count += added
    }

    /// Makes room for at least so many elements; the caller fills those that are new.
    func extend(to newCount: Int) {
        if newCount > capacity { grow(to: newCount) }
        count = max(count, newCount)
    }

    func removeAll() { count = 0 }

    var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

    /// Drops the elements from `newCount` on.
    func truncate(to newCount: Int) {
        assert(newCount <= count)
        touched = max(touched, count)
        count = newCount
        // Less than 64 KiB is not worth a call.
        let unused = (touched - count) * MemoryLayout<Element>.stride
        guard unused >= 1 << 16, touched - count > touched / 4 else { return }
        capacity = max(count, 16)
        base = Self.resize(base, to: capacity)
        touched = count
    }

    /// Copies `width` elements from row `source` to row `target`.
    func copyRow(_ source: Int32, to target: Int32, width: Int = 1) {
        (base + Int(target) * width).update(from: base + Int(source) * width, count: width)
    }

    private func grow(to needed: Int) {
        capacity = max(needed, capacity * 2)
        base = Self.resize(base, to: capacity)
    }

    private static func resize(
        _ memory: UnsafeMutablePointer<Element>?,
        to capacity: Int
    ) -> UnsafeMutablePointer<Element> {
        // Plain numbers and small structs only: `realloc` aligns to 16 bytes.
        precondition(MemoryLayout<Element>.alignment <= 16)
        let byteCount = capacity * MemoryLayout<Element>.stride
        guard let target = realloc(memory, max(byteCount, 1)) else {
            // As Swift's own arrays: there is no going on without memory.
            fatalError("no memory for \(byteCount) bytes")
        }
        return target.bindMemory(to: Element.self, capacity: capacity)
    }
}

extension Column where Element: TensorElement {
    /// A copy as a tensor of shape [count / width, width], or [count] without a width.
    func tensor(width: Int? = nil) -> Tensor {
        Tensor(
            elementType: Element.elementType,
            shape: width.map { [$0 == 0 ? 0 : count / $0, $0] } ?? [count],
            bytes: Array(UnsafeRawBufferPointer(buffer))
        )
    }
}
