/// A thread that owns the logs of some partitions: whatever reads or changes them runs here, one
/// job after another, so that "check the sequence, then append" cannot be interrupted.
final class LogExecutor: Sendable {
    private let inbox: Inbox<@Sendable () -> Void>
    private let thread: OwnThread
    /// Opens the compressed batches of all logs of this thread.
    nonisolated(unsafe) let decompressor = Decompressor()  // Only touched by jobs.
    nonisolated(unsafe) let openFiles = OpenFiles()  // Only touched by jobs.

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
