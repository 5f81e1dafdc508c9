import Foundation
import KafkaSamples
import KafkaWire
import Testing

@testable import KafkaBroker

/// A coordinator over a real store, called with encoded requests as a connection would.
final class GroupHarness: Sendable {
    let directory: TestDirectory
    let store: MetadataStore
    let coordinator: GroupCoordinator

    init(
        directory: TestDirectory = TestDirectory(),
        settings: GroupSettings = GroupSettings()
    ) throws {
        self.directory = directory
        store = try MetadataStore(directory: directory.url)
        let environment = GroupEnvironment(
            store: store,
            settings: settings,
            logger: quietLogger
        )
        coordinator = try GroupCoordinator(environment)
    }

    func stop() {
        coordinator.stop()
        store.close(clean: true)
    }

    /// Sends a request; both ways go through the codec, so a wrong shape fails here.
    func call(_ key: APIKey, _ version: Int16, _ fields: Fields) async throws -> Fields {
        try await begin(key, version, fields).value
    }

    /// Sends a request that may have to wait for its answer.
    ///
    /// The request is queued when this returns.
    func begin(
        _ key: APIKey,
        _ version: Int16,
        _ fields: Fields
    ) throws -> Task<Fields, any Error> {
        let bytes = try MessageCodec.encodeRequest(key, version: version, fields)
        let request = try MessageCodec.decodeRequest(key, version: version, bytes)
        let (stream, continuation) = AsyncStream.makeStream(of: Fields.self)
        let call = GroupCall(
            version: version,
            request: request,
            clientID: "tester",
            clientHost: "127.0.0.1"
        ) {
            continuation.yield($0)
            continuation.finish()
        }
        try coordinator.handle(key, call)
        return Task {
            var iterator = stream.makeAsyncIterator()
            let answer = try #require(await iterator.next())
            let bytes = try MessageCodec.encodeResponse(key, version: version, answer)
            return try MessageCodec.decodeResponse(key, version: version, bytes)
        }
    }
}

/// Requests with the fields that matter.
extension GroupHarness {
    static func join(
        _ group: String,
        member: String = "",
        instance: String? = nil,
        session: Int32 = 1_200_000
    ) -> Fields {
        var fields = Fields()
        fields.set("groupId", group)
        fields.set("sessionTimeoutMs", session)
        fields.set("rebalanceTimeoutMs", Int32(1_200_000))
        fields.set("memberId", member)
        fields.set("groupInstanceId", instance)
        fields.set("protocolType", "consumer")
        var proto = Fields()
        proto.set("name", "range")
        proto.set("metadata", [1, 2, 3] as [UInt8])
        fields.set("protocols", [proto])
        return fields
    }

    static func member(
        _ group: String,
        _ member: String,
        _ generation: Int32,
        instance: String? = nil
    ) -> Fields {
        var fields = Fields()
        fields.set("groupId", group)
        fields.set("generationId", generation)
        fields.set("memberId", member)
        fields.set("groupInstanceId", instance)
        return fields
    }

    /// A member that leaves, before version 3.
    static func leave(_ group: String, _ member: String) -> Fields {
        var fields = Fields()
        fields.set("groupId", group)
        fields.set("memberId", member)
        return fields
    }

    static func commit(
        _ group: String,
        member: String = "",
        generation: Int32 = -1,
        _ offsets: [(topic: String, partition: Int32, offset: Int64, metadata: String?)]
    ) -> Fields {
        var fields = Fields()
        fields.set("groupId", group)
        fields.set("generationIdOrMemberEpoch", generation)
        fields.set("memberId", member)
        let topics = offsets.map { entry in
            var partition = Fields()
            partition.set("partitionIndex", entry.partition)
            partition.set("committedOffset", entry.offset)
            partition.set("committedLeaderEpoch", Int32(7))
            partition.set("committedMetadata", entry.metadata)
            var topic = Fields()
            topic.set("name", entry.topic)
            topic.set("partitions", [partition])
            return topic
        }
        fields.set("topics", topics)
        return fields
    }

    /// Joins and syncs a sole member; returns its id and generation.
    func soleMember(
        _ group: String,
        instance: String? = nil
    ) async throws -> (id: String, generation: Int32) {
        // From version 4 on, a member that is not static is given its id first.
        let version: Int16 = instance == nil ? 3 : 5
        let joined = try await call(.joinGroup, version, Self.join(group, instance: instance))
        #expect(joined.errorCode() == .none)
        let id = joined.string("memberId")
        let generation = joined.int32("generationId")
        var sync = Self.member(group, id, generation, instance: instance)
        var assignment = Fields()
        assignment.set("memberId", id)
        assignment.set("assignment", [9, 9] as [UInt8])
        sync.set("assignments", [assignment])
        let synced = try await call(.syncGroup, 3, sync)
        #expect(synced.errorCode() == .none)
        #expect(synced.bytes("assignment") == [9, 9])
        return (id, generation)
    }

    /// The offset that a group committed; -1 if none.
    func offset(_ group: String, _ topic: String, _ partition: Int32) async throws -> Int64 {
        try await committed(group, topic, partition).int64("committedOffset")
    }

    func committed(
        _ group: String,
        _ topic: String,
        _ partition: Int32
    ) async throws -> Fields {
        var entry = Fields()
        entry.set("name", topic)
        entry.set("partitionIndexes", [partition])
        var fields = Fields()
        fields.set("groupId", group)
        fields.set("topics", [entry])
        let answer = try await call(.offsetFetch, 7, fields)
        return try #require(answer.array("topics").first?.array("partitions").first)
    }

    /// Deletes offsets of partition 0 of topics.
    func deleteOffsets(
        _ group: String,
        _ topics: [String]
    ) async throws -> (group: ErrorCode, partitions: [ErrorCode]) {
        let entries = topics.map { topic -> Fields in
            ["name": .string(topic), "partitions": [.structure(["partitionIndex": 0])]]
        }
        let request: Fields = ["groupId": .string(group), "topics": .list(entries)]
        let answer = try await call(.offsetDelete, 0, request)
        let partitions = answer.array("topics").flatMap { $0.array("partitions") }
        return (answer.errorCode(), partitions.map { $0.errorCode() })
    }

    /// Commits one offset and returns the partition's error.
    func commit(_ request: Fields, version: Int16 = 7) async throws -> [ErrorCode] {
        let answer = try await call(.offsetCommit, version, request)
        return answer.array("topics").flatMap { $0.array("partitions").map { $0.errorCode() } }
    }
}
