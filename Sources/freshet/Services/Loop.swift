import Pipeline
import Streaming
import Synchronization

/// A trainer's or scorer's loop on a thread of its own, and what it says of itself.
final class Loop<Status: Sendable>: Sendable {
    private let stop = StopSignal()
    private let board: Board<Status>
    private let failure = Board<CommandFailure?>(nil)
    private let thread = Mutex<WorkerThread?>(nil)

    /// Starts a thread that runs `body` until it returns, throws, or is told to stop.
    init(
        name: String,
        status: Status,
        body: @escaping @Sendable (StopSignal, Board<Status>) throws -> Void
    ) {
        board = Board(status)
        let (stop, board, failure) = (stop, board, failure)
        let worker = WorkerThread(name: name) {
            do {
                try body(stop, board)
            } catch {
                failure.post(CommandFailure(error))
            }
        }
        thread.withLock { $0 = worker }
    }

    /// What the loop says of itself.
    var status: Status { board.current }

    /// Whether the loop has returned or failed.
    var isFinished: Bool { thread.withLock { $0?.isFinished ?? true } }

    /// Why the loop failed; nil while it runs and after it has returned.
    var error: CommandFailure? { failure.current }

    /// Asks the loop to finish what it has begun and return.
    ///
    /// Does not wait.
    func requestStop() { stop.set() }

    /// Tells the loop to stop and waits until it has, without blocking a thread of Swift's pool.
    ///
    /// Throws what the loop threw.
    func finish() async throws {
        requestStop()
        if let error = await outcome() { throw error }
    }

    /// Waits until the loop has ended; what it threw, nil when it returned.
    ///
    /// Waits also in a cancelled task: leaving a loop behind would lose what it is writing.
    func outcome() async -> CommandFailure? {
        while !isFinished {
            if (try? await Task.sleep(for: .milliseconds(5))) == nil { await Task.yield() }
        }
        return error
    }

    /// Blocks until the loop has returned, and throws what it threw.
    func join() throws(CommandFailure) {
        thread.withLock { $0 }?.join()
        if let error = failure.current { throw error }
    }
}
