import Dispatch
import Foundation
import KafkaWire
import Logging

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

/// What groups need of the rest of the broker.
struct GroupEnvironment: Sendable {
    /// Where groups and offsets are kept.
    var store: MetadataStore
    var settings = GroupSettings()
    /// For failures.
    var logger: Logger
    /// The clocks; the uptime must be that of `DispatchTime`.
    var now: @Sendable () -> Moment = Moment.now
}

/// Answers the requests of consumer groups.
///
/// All groups belong to one thread, which takes requests from a bounded queue, feeds them to the
/// groups' state machines, and sees to their deadlines. Nothing is answered before what it reports
/// is durable in the metadata store.
final class GroupCoordinator: Sendable {
    typealias Job = @Sendable (GroupRegistry) -> Void

    /// The APIs that `handle` answers.
    static let apis: [APIKey: any GroupAPI.Type] = [
        .joinGroup: JoinGroup.self,
        .heartbeat: Heartbeat.self,
        .leaveGroup: LeaveGroup.self,
        .syncGroup: SyncGroup.self,
        .offsetCommit: OffsetCommit.self,
        .offsetFetch: OffsetFetch.self,
        .offsetDelete: OffsetDelete.self,
        .txnOffsetCommit: TxnOffsetCommit.self,
        .describeGroups: DescribeGroups.self,
        .listGroups: ListGroups.self,
        .deleteGroups: DeleteGroups.self,
    ]

    /// What waits to be done: each connection has one request under way.
    private let inbox = Inbox<Job>(capacity: .max)
    private let thread = OwnThread(name: "groups")

    /// Loads the groups and starts the thread; blocks while loading.
    ///
    /// - Parameter environment: What groups need; the store must be closed after `stop`.
    /// - Throws: `BrokerError` if the groups cannot be read.
    init(_ environment: GroupEnvironment) throws(BrokerError) {
        let groups = try environment.store.loadGroups()
        environment.store.observeTopicDeletions { [inbox] id in
            _ = inbox.push { $0.forgetTopic(id) }
        }
        thread.start { [inbox] in
            GroupRegistry(groups, environment, inbox: inbox).run()
        }
    }

    /// Begins the work on a request of one of `apis`; throws after `stop`.
    func handle(_ key: APIKey, _ call: GroupCall) throws(BrokerError) {
        guard let api = Self.apis[key] else { preconditionFailure("\(key) is not about groups") }
        guard inbox.push({ api.handle(call, $0) }) == .accepted else {
            throw BrokerError(.closed, "the broker is stopping", remedy: "")
        }
    }

    /// One handler for each of `apis`.
    var handlers: [any RequestHandler] {
        Self.apis.keys.map { key in
            SchemaHandler(key) { [self] request in
                endWait(request)
            } _: { [self] fields, request, answer throws(BrokerError) in
                let call = GroupCall(
                    version: request.version,
                    request: fields,
                    clientID: request.clientID,
                    clientHost: request.clientHost,
                    connection: request.connection,
                    reply: answer
                )
                try handle(key, call)
            }
        }
    }

    /// Ends the wait of a JoinGroup or SyncGroup whose client has left.
    private func endWait(_ request: Request) {
        guard let groupID = try? request.fields().string("groupId") else { return }
        let job: Job = { registry in
            registry.update(groupID) { group, now in
                group.endWait(on: request.connection, at: now)
            }
        }
        _ = inbox.push(job)
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
        if inbox.push(job) == .closed { completion() }
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

/// A request about groups.
struct GroupCall: Sendable {
    let version: Int16
    let request: Fields
    /// The name the client gave itself; may be empty.
    let clientID: String
    /// The client's address without the port.
    let clientHost: String
    /// The client's connection; nil if it cannot end before the answer.
    var connection: ObjectIdentifier?
    /// To be called exactly once, from any thread; does not block.
    let reply: @Sendable (Fields) -> Void

    /// The member that the request is about.
    var member: MemberReference { MemberReference(request) }
}

/// Requests that name partitions, and are answered with an error for each.
extension GroupCall {
    /// The partitions that the request names.
    var partitions: [(topic: String, fields: Fields)] {
        request.array("topics").flatMap { topic in
            topic.array("partitions").map { (topic.string("name"), $0) }
        }
    }

    /// The answer with an error for each of `partitions`.
    func answer(_ errors: [ErrorCode]) -> Fields {
        var remaining = errors[...]
        let topics = request.array("topics").map { topic -> Fields in
            let partitions = topic.array("partitions").map { partition -> Fields in
                [
                    "partitionIndex": .number(partition.int32("partitionIndex")),
                    "errorCode": .code(remaining.popFirst() ?? .unknownServerError),
                ]
            }
            return ["name": .string(topic.string("name")), "partitions": .list(partitions)]
        }
        return ["topics": .list(topics)]
    }
}

extension MemberReference {
    /// Reads how a request, or one of several entries in it, names a member.
    init(_ fields: Fields) {
        id = fields.string("memberId")
        instanceID = fields.optionalString("groupInstanceId")
        generation = fields.int32("generationId")
    }
}

/// One API about groups: turns its requests into inputs of `GroupState`, and results into answers.
protocol GroupAPI: SendableMetatype {
    /// Begins the work on a request, on the coordinator's thread.
    static func handle(_ call: GroupCall, _ registry: GroupRegistry)
    /// The answer that says that a request as a whole failed; for APIs that refuse some.
    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields
}

extension GroupAPI {
    static func refusal(of call: GroupCall, _ error: ErrorCode) -> Fields {
        ["errorCode": .code(error)]
    }

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
