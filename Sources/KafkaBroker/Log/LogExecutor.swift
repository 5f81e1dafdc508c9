import Foundation
import KafkaWire

/// A thread that owns the logs of some partitions: whatever reads or changes them runs here, one
/// job after another, so that "check the sequence, then append" cannot be interrupted.
final class LogExecutor: Sendable {
    private let inbox: Inbox<@Sendable () -> Void>
    private let thread: OwnThread
    /// Opens the compressed batches of all logs of this thread.
    nonisolated(unsafe) let decompressor = Decompressor()  // Only touched by jobs.

    /// Starts the thread.
    init(name: String, capacity: Int) {
        inbox = Inbox(capacity: capacity)
        thread = OwnThread(name: name)
        thread.start { [inbox] in
            while let jobs = inbox.takeAll() {
                for job in jobs { job() }
            }
        }
    }

    /// Adds a job at the end of the queue.
    ///
    /// - Parameters:
    ///   - isReply: Whether it was caused by an earlier job: then a full queue takes it too.
    ///   - job: What to do.
    /// - Returns: Whether it will be done: false if the queue is full or closed.
    func submit(isReply: Bool = false, _ job: @escaping @Sendable () -> Void) -> Bool {
        inbox.push(job, isReply: isReply) == .accepted
    }

    /// Finishes the jobs in the queue and ends the thread; blocks until that is done.
    func close() {
        inbox.close()
        thread.join()
    }
}

/// Threads that wait for the disk, so that nobody else has to: they sync files and write
/// checkpoints.
///
/// The queue is bounded by its users: a partition is in it at most once for syncing, and has at
/// most one checkpoint or removal for each job that caused it.
final class DiskThreads: Sendable {
    private let inbox: WorkQueue
    private let threads: [OwnThread]

    /// Starts the threads.
    init(count: Int) {
        let inbox = WorkQueue()
        self.inbox = inbox
        threads = (0..<count).map { OwnThread(name: "disk-\($0)") }
        for thread in threads {
            thread.start {
                while let job = inbox.take() { job() }
            }
        }
    }

    /// Has a job done by one of the threads.
    func submit(_ job: @escaping @Sendable () -> Void) { inbox.push(job) }

    /// Finishes the jobs in the queue and ends the threads; blocks until that is done.
    func close() {
        inbox.close()
        for thread in threads { thread.join() }
    }
}

/// A queue that several threads empty, one job at a time.
private final class WorkQueue: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var next = 0
        var isClosed = false
    }

    // A condition, since each job is to wake one of several readers.
    private let condition = NSCondition()
    nonisolated(unsafe) private var state = State()  // Only touched with the condition locked.

    func push(_ job: @escaping @Sendable () -> Void) {
        condition.lock()
        state.jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    func take() -> (@Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while state.next == state.jobs.count {
            if state.isClosed { return nil }
            condition.wait()
        }
        let job = state.jobs[state.next]
        state.next += 1
        // Done jobs are dropped in bulk: the array holds at most twice what waits, plus 64.
        if state.next > 64, state.next * 2 > state.jobs.count {
            state.jobs.removeFirst(state.next)
            state.next = 0
        }
        return job
    }

    func close() {
        condition.lock()
        state.isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
