import Foundation
import KafkaBroker
import ModelStore

/// The processes of a proof: started, killed, stopped in their tracks and started again.
///
/// Owned by one thread.
final class ProveProcesses {
    /// What happened to the processes.
    struct Counts: Sendable, Equatable {
        /// Kills, by role; those at fault points among them.
        var kills: [ProveRole: Int] = [:]
        /// Processes that killed themselves at a fault point.
        var faults = 0
        /// Processes that went on after another had taken their place.
        var takeOvers = 0
        /// Processes that were stopped for a while.
        var hangs = 0
        /// Processes started.
        var starts = 0

        var total: Int { kills.values.reduce(0, +) }
    }

    /// A process whose place another has.
    private struct Zombie {
        let role: ProveRole
        let process: ChildProcess
        /// When it goes on; nil once it does.
        var wakes: ContinuousClock.Instant?
        /// Until when it must have noticed.
        var deadline: ContinuousClock.Instant

        /// Whether it is at work under this name.
        func isRival(of role: ProveRole) -> Bool {
            self.role == role && wakes == nil && process.isRunning
        }
    }

    private(set) var counts = Counts()
    private let program: URL
    private let folder: ProveFolder
    private let environment: [String: String]
    /// The arguments of each process.
    private let arguments: (ProveRole) -> [String]
    private var running: [ProveRole: ChildProcess] = [:]
    private var zombies: [Zombie] = []
    /// Of which there may be two.
    private var takenOver: Set<ProveRole> = []
    /// Processes that will kill themselves.
    private var doomed: Set<ProveRole> = []

    /// How long a process may take to notice that another has its place.
    private static let zombiePatience = Duration.seconds(60)

    init(folder: ProveFolder, arguments: @escaping (ProveRole) -> [String]) {
        program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        self.folder = folder
        self.arguments = arguments
        environment = ProcessInfo.processInfo.environment.filter { name, _ in
            name != ModelStore.faultVariable && name != Broker.faultVariable
        }
    }

    /// Starts a process, which is to kill itself at a fault point if one is given.
    func start(_ role: ProveRole, fault: String? = nil) throws {
        var environment = environment
        if let fault {
            environment[role == .broker ? Broker.faultVariable : ModelStore.faultVariable] = fault
            doomed.insert(role)
        }
        let log = folder.log(role)
        let command = arguments(role)
        let note = fault.map { ", to die at \($0)" } ?? ""
        try folder.append("--- start \(counts.starts)\(note)\n", to: log)
        counts.starts += 1
        running[role] = try ChildProcess(
            program,
            command,
            environment: environment,
            output: folder.output(role),
            log: log
        )
    }

    /// Kills a process; throws when one had ended by itself.
    func kill(_ role: ProveRole) throws {
        try check()
        guard let process = running[role] else { return }
        process.kill()
        doomed.remove(role)
        running[role] = nil
        counts.kills[role, default: 0] += 1
    }

    /// Stops a process in its tracks until `wakes`, and starts another in its place.
    func takeOver(_ role: ProveRole, wakes: ContinuousClock.Instant) throws {
        guard let process = running[role] else { return }
        process.pause()
        zombies.append(
            Zombie(
                role: role,
                process: process,
                wakes: wakes,
                deadline: wakes + Self.zombiePatience
            )
        )
        takenOver.insert(role)
        counts.takeOvers += 1
        try start(role)
    }

    /// Stops a process in its tracks, or lets it go on.
    func hang(_ role: ProveRole, _ isPaused: Bool) {
        if isPaused {
            running[role]?.pause()
            counts.hangs += 1
        } else {
            running[role]?.resume()
        }
    }

    /// Whether a process that was to kill itself has done so.
    func hasDied(_ role: ProveRole) -> Bool {
        guard doomed.contains(role), running[role]?.end == .signal(SIGKILL) else { return false }
        doomed.remove(role)
        running[role] = nil
        counts.kills[role, default: 0] += 1
        counts.faults += 1
        return true
    }

    /// Whether a process runs.
    func isRunning(_ role: ProveRole) -> Bool { running[role]?.isRunning ?? false }

    /// Whether some process whose place another has goes on.
    var hasZombies: Bool { !zombies.isEmpty }

    /// Looks after all processes; throws when one ended that had no reason to.
    func check() throws {
        for (role, process) in running {
            guard let end = process.end, !doomed.contains(role) || end != .signal(SIGKILL) else {
                continue
            }
            guard end == .exit(1), try goesOn(role) else {
                throw failure(role, "ended by itself (\(end))")
            }
        }
        for index in zombies.indices.reversed() { try check(zombieAt: index) }
    }

    /// Goes on after a process stopped because another has its name; false when that was not it.
    ///
    /// Of two with one name the one that took it first stops: if that one was paused before it took
    /// it, the other. A scorer's name is that of its transactions and of a member of the group; when
    /// each of two was the first at one of them, both stop, and one has to be started again.
    private func goesOn(_ role: ProveRole) throws -> Bool {
        let isReplaced = ["taken over", "has begun to answer"].contains {
            folder.tail(of: folder.log(role)).contains($0)
        }
        guard isReplaced, takenOver.contains(role) else { return false }
        if let index = zombies.firstIndex(where: { $0.isRival(of: role) }) {
            running[role] = zombies.remove(at: index).process
            return true
        }
        guard role != .trainer else { return false }
        try start(role)
        return true
    }

    private func check(zombieAt index: Int) throws(CommandFailure) {
        let now = ContinuousClock.now
        if let wakes = zombies[index].wakes {
            guard now >= wakes else { return }
            zombies[index].process.resume()
            zombies[index].wakes = nil
        }
        let zombie = zombies[index]
        switch zombie.process.end {
        case nil:
            guard now < zombie.deadline else {
                throw failure(zombie.role, "did not notice that another had taken its place")
            }
        case .exit(1):
            zombies.remove(at: index)
        case let end?:
            throw failure(zombie.role, "ended (\(end)) when another had taken its place")
        }
    }

    /// Asks a process to finish, and waits until it has; throws when it does not end well.
    func finish(_ role: ProveRole) throws(CommandFailure) {
        guard let process = running[role] else { return }
        process.terminate()
        let deadline = ContinuousClock.now + .seconds(60)
        while process.isRunning {
            guard ContinuousClock.now < deadline else {
                throw failure(role, "did not finish within 60 s")
            }
            usleep(2000)
        }
        running[role] = nil
        guard process.end == .exit(0) else {
            throw failure(role, "did not finish well (\(process.end.map(\.description) ?? ""))")
        }
    }

    /// Kills whatever runs.
    func end() {
        for process in running.values { process.kill() }
        for zombie in zombies { zombie.process.kill() }
        running = [:]
        zombies = []
    }

    private func failure(_ role: ProveRole, _ what: String) -> CommandFailure {
        let last = folder.tail(of: folder.log(role))
        return CommandFailure(.failure, "the \(role) \(what)", remedy: "its last words: \(last)")
    }
}
