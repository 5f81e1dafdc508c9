import Learning

/// A growing array of plain numbers at a stable owner: no copy on write, no reference counting in
/// hot loops.
///
/// Owned by one thread, with the object that holds it.
final class Column<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 16) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    convenience init(_ elements: [Element]) {
        self.init(capacity: max(elements.count, 16))
        elements.withUnsafeBufferPointer { append($0) }
    }

    deinit { base.deallocate() }

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

    private func grow(to needed: Int) {
        let larger = max(needed, capacity * 2)
        let target = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        target.update(from: base, count: count)
        base.deallocate()
        base = target
        capacity = larger
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
