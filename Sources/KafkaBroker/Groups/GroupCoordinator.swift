import Dispatch
import Foundation
import KafkaWire
import Logging

/// Who sent a request.
struct ClientContext: Sendable {
    /// The name the client gave itself; may be empty.
    var clientID: String
    /// Its address without the port.
    var host: String
}

/// The broker's address as clients are to use it.
struct CoordinatorEndpoint: Sendable {
    var nodeID: Int32
    var host: String
    var port: Int32
}

/// How groups are run, beside the limits of each.
struct GroupSettings: Sendable {
    var limits = GroupLimits()
    /// `offsets.retention.minutes` in milliseconds: 10,080 minutes.
    var offsetsRetention: Int64 = 10_080 * 60_000
    /// How often old offsets are looked for, in milliseconds.
    var retentionCheckInterval: Int64 = 600_000
    /// Most groups: each takes some kilobytes of memory.
    var maximumGroupCount = 10_000
}

/// Answers the requests of consumer groups.
///
/// All groups belong to one thread, which takes requests from a bounded queue, feeds them to the
/// groups' state machines, and sees to their deadlines. Nothing is answered before what it reports
/// is durable in the metadata store.
final class GroupCoordinator: Sendable {
    typealias Job = @Sendable (GroupRegistry) -> Void

    /// Most requests that may wait: 1,000 connections have one in flight each.
    static let capacity = 16_384

    /// The APIs that `handle` answers.
    static let apis: [APIKey: any GroupAPI.Type] = [
        .findCoordinator: FindCoordinator.self,
        .joinGroup: JoinGroup.self,
        .heartbeat: Heartbeat.self,
        .leaveGroup: LeaveGroup.self,
        .syncGroup: SyncGroup.self,
        .offsetCommit: OffsetCommit.self,
        .offsetFetch: OffsetFetch.self,
        .txnOffsetCommit: TxnOffsetCommit.self,
        .describeGroups: DescribeGroups.self,
        .listGroups: ListGroups.self,
        .deleteGroups: DeleteGroups.self,
    ]

    private let inbox: Inbox<Job>
    private let thread: OwnThread

    /// Loads the groups and starts the thread; blocks while loading.
    ///
    /// - Parameters:
    ///   - store: Where groups and offsets are kept; must be closed after `stop`.
    ///   - settings: Limits and times.
    ///   - endpoint: The broker's address; called for each FindCoordinator.
    ///   - checkOffsets: Says whether a transaction may commit offsets of a group.
    ///   - logger: For failures.
    ///   - now: The clocks; the uptime must be that of `DispatchTime`.
    /// - Throws: `BrokerError` if the groups cannot be read.
    init(
        store: MetadataStore,
        settings: GroupSettings = GroupSettings(),
        endpoint: @escaping @Sendable () -> CoordinatorEndpoint,
        checkOffsets: @escaping MetadataStore.OffsetCheck,
        logger: Logger,
        now: @escaping @Sendable () -> Moment = Moment.now
    ) throws(BrokerError) {
        let inbox = Inbox<Job>(capacity: Self.capacity)
        self.inbox = inbox
        thread = OwnThread(name: "groups")
        let groups = try store.loadGroups()
        store.observeTopicDeletions { id in
            _ = inbox.push({ $0.forgetTopic(id) }, isReply: true)
        }
        thread.start {
            let registry = GroupRegistry(
                store: store,
                settings: settings,
                endpoint: endpoint,
                checkOffsets: checkOffsets,
                logger: logger,
                now: now,
                inbox: inbox
            )
            registry.restore(groups)
            registry.run()
        }
    }

    /// Begins the work on a request.
    ///
    /// - Parameters:
    ///   - key: One of `apis`.
    ///   - version: The version of the request.
    ///   - request: Its body.
    ///   - client: Who sent it.
    ///   - reply: Called exactly once with the body of the response, from any thread, also from
    ///     this one; must not block.
    func handle(
        key: APIKey,
        version: Int16,
        request: Fields,
        client: ClientContext,
        reply: @escaping @Sendable (Fields) -> Void
    ) {
        guard let api = Self.apis[key] else {
            preconditionFailure("\(key) is not about groups")
        }
        let call = GroupCall(version: version, request: request, client: client, reply: reply)
        switch inbox.push({ api.handle(call, $0) }) {
        case .accepted: break
        case .full: reply(api.refusal(of: call, .coordinatorLoadInProgress))
        case .closed: reply(api.refusal(of: call, .coordinatorNotAvailable))
        }
    }

    /// Makes the offsets that a transaction committed count, or drops them, in memory: to be called
    /// once the store has done so.
    ///
    /// - Parameters:
    ///   - producerID: Whose transaction has ended.
    ///   - isCommit: Whether it was committed.
    ///   - completion: Called once, on any thread, when OffsetFetch shows it.
    func endTransaction(
        producerID: Int64,
        isCommit: Bool,
        completion: @escaping @Sendable () -> Void
    ) {
        let job: Job = { registry in
            registry.endTransaction(producerID: producerID, isCommit: isCommit)
            completion()
        }
        // When the coordinator has stopped, there is nobody to show anything to.
        if inbox.push(job, isReply: true) == .closed { completion() }
    }

    /// Answers what waits with "not available" and ends the thread; blocks until it has ended.
    ///
    /// Members stay in their groups and find them again after a restart.
    func stop() {
        inbox.close()
        thread.join()
    }
}

extension Moment {
    /// The present time on the machine's clocks.
    static func now() -> Moment {
        Moment(
            uptime: Int64(clamping: DispatchTime.now().uptimeNanoseconds / 1_000_000),
            date: Int64(Date().timeIntervalSince1970 * 1000)
        )
    }
}

extension GroupCoordinator {
    /// One handler for each of `apis`.
    var handlers: [any RequestHandler] {
        Self.apis.keys.map { key in
            SchemaHandler(key) { [self] fields, request, answer in
                let client = ClientContext(
                    clientID: request.clientID,
                    host: request.clientHost
                )
                handle(
                    key: key,
                    version: request.version,
                    request: fields,
                    client: client,
                    reply: answer
                )
            }
        }
    }
}

/// A request about groups.
struct GroupCall: Sendable {
    let version: Int16
    let request: Fields
    let client: ClientContext
    /// To be called exactly once.
    let reply: @Sendable (Fields) -> Void
}

/// One API about groups: turns its requests into inputs of `GroupState`, and results into answers.
protocol GroupAPI: SendableMetatype {
    /// Begins the work on a request, on the coordinator's thread.
    static func handle(_ call: GroupCall, _ registry: GroupRegistry)
    /// The answer that says that a request as a whole failed.
    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields
}

extension GroupAPI {
    /// Replies that a request as a whole failed.
    static func refuse(_ call: GroupCall, _ error: ErrorCode) {
        call.reply(refusal(of: call, error))
    }

    /// The group that a request names; nil, and the request is refused, if it names none (rule 1).
    static func groupID(of call: GroupCall) -> String? {
        let id = call.request.string("groupId")
        guard id.isEmpty else { return id }
        refuse(call, .invalidGroupID)
        return nil
    }
}
