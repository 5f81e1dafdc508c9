import Foundation

/// A thread of our own, for a loop that blocks or must not share its core with Swift's pool.
public final class WorkerThread: Sendable {
    private let finished = NSCondition()
    private let done = StopSignal()

    /// Starts a thread that runs `body` and ends.
    public init(name: String, body: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            setKernelThreadName(name)
            body()
            finished.lock()
            done.set()
            finished.broadcast()
            finished.unlock()
        }
        thread.name = name
        thread.stackSize = 8 << 20  // as the main thread; the loops use far less
        thread.start()
    }

    /// Has the calling thread, and those that it starts from now on, make way for others: by 0, as
    /// any, to 19.
    ///
    /// Without effect where the system knows no such thing of a thread, or forbids to lower it.
    public static func setNiceness(_ niceness: Int) {
        #if os(Linux)
            // Of the calling thread, not the process: sched(7), "The nice value".
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Int32(clamping: niceness))
        #endif
    }

    /// Whether `body` has returned.
    public var isFinished: Bool { done.isSet }

    /// Blocks the caller until `body` has returned.
    public func join() {
        finished.lock()
        while !done.isSet { finished.wait() }
        finished.unlock()
    }
}

/// `Thread.name` does not reach the kernel on Linux; through procfs, `top -H` and `perf` show this one.
private func setKernelThreadName(_ name: String) {
    let comm = FileHandle(forWritingAtPath: "/proc/thread-self/comm")
    try? comm?.write(contentsOf: Data(name.utf8.prefix(15)))  // the kernel keeps 15 bytes
}
