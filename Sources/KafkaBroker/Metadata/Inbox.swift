import Dispatch
import Foundation
import Synchronization

/// A bounded queue that any thread may fill and one thread empties, all at once.
///
/// The elements are guarded by a `Mutex`; the semaphore only wakes the one reader.
final class Inbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let capacity: Int

    /// Makes an empty queue.
    ///
    /// - Parameter capacity: How many elements may wait.
    init(capacity: Int) { self.capacity = capacity }

    /// What became of an element.
    enum Admission: Sendable { case accepted, full, closed }

    /// Adds an element at the end, unless the queue is full or closed.
    ///
    /// - Parameters:
    ///   - element: What to add.
    ///   - isReply: Whether it answers something that this queue's reader asked for: such
    ///     elements are always taken, and bounded by what the reader may ask for.
    /// - Returns: Whether it was added, and if not, why.
    func push(_ element: Element, isReply: Bool = false) -> Admission {
        let (admission, wasEmpty) = state.withLock { state -> (Admission, Bool) in
            if state.isClosed { return (.closed, false) }
            if state.elements.count >= capacity, !isReply { return (.full, false) }
            state.elements.append(element)
            return (.accepted, state.elements.count == 1)
        }
        if wasEmpty { wakeUp.signal() }
        return admission
    }

    /// Waits until there are elements, or the deadline has come, or the queue is closed.
    ///
    /// - Parameter deadline: When to return without an element; nil waits for as long as it takes.
    /// - Returns: All elements in order, possibly none; nil once the queue is closed and empty.
    func takeAll(until deadline: DispatchTime? = nil) -> [Element]? {
        while true {
            let taken = state.withLock { state -> [Element]? in
                if state.elements.isEmpty, state.isClosed { return nil }
                defer { state.elements = [] }
                return state.elements
            }
            guard let taken, taken.isEmpty else { return taken }
            switch wakeUp.wait(timeout: deadline ?? .distantFuture) {
            case .success: continue
            case .timedOut: return []
            }
        }
    }

    /// Refuses elements from now on; those inside can still be taken.
    func close() {
        state.withLock { $0.isClosed = true }
        wakeUp.signal()
    }
}

/// A thread of our own, for work that blocks.
final class OwnThread: Sendable {
    private let name: String
    private let finished = DispatchSemaphore(value: 0)

    /// Names a thread that does not run yet.
    init(name: String) { self.name = name }

    /// Starts the thread; must be called once.
    func start(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread { [finished] in
            body()
            finished.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Blocks until the thread has ended.
    func join() {
        finished.wait()
        finished.signal()
    }
}
