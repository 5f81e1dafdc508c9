import KafkaWire

/// Looks up offsets: the ends of logs, and the first record at or after a time.
struct ListOffsetsHandler: Sendable {
    let logs: TopicLogs

    /// A place in a log.
    typealias Found = Result<TimestampedOffset, ErrorCode>

    /// The handler of ListOffsets requests.
    var handler: SchemaHandler {
        SchemaHandler(.listOffsets) { fields, _, answer in handle(fields, answer: answer) }
    }

    private func handle(_ fields: Fields, answer: @escaping @Sendable (Fields) -> Void) {
        let topics = fields.array("topics")
        let isolation = Isolation(rawValue: fields.int8("isolationLevel")) ?? .readUncommitted
        let parts = topics.flatMap { topic in
            topic.array("partitions").map { (name: topic.string("name"), fields: $0) }
        }
        let gather = Gather<Found>(parts.count) { found in
            answer(response(topics, found))
        }
        let keys = parts.map { "\($0.name) \($0.fields.int32("partitionIndex"))" }
        let duplicates = Set(Dictionary(grouping: keys, by: \.self).filter { $1.count > 1 }.keys)
        for (index, part) in parts.enumerated() {
            guard !duplicates.contains(keys[index]) else {
                gather.set(index, .failure(.invalidRequest))
                continue
            }
            guard let partition = logs.partition(part.name, part.fields.int32("partitionIndex"))
            else {
                gather.set(index, .failure(.unknownTopicOrPartition))
                continue
            }
            find(part.fields, isolation, in: partition) { gather.set(index, $0) }
        }
    }

    /// Times with a special meaning.
    private enum Query {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        static let greatestTime: Int64 = -3
        static let earliestLocal: Int64 = -4
        static let lastTiered: Int64 = -5
    }

    private func find(
        _ part: Fields,
        _ isolation: Isolation,
        in partition: Partition,
        completion: @escaping @Sendable (Found) -> Void
    ) {
        let epoch = part.int32("currentLeaderEpoch")
        let query: TimestampQuery
        switch part.int64("timestamp") {
        case Query.latest, Query.earliest, Query.earliestLocal:
            return findEnd(part, isolation, in: partition, completion: completion)
        case Query.greatestTime: query = .greatest
        case let time where time >= 0: query = .atOrAfter(time)
        case Query.lastTiered: return completion(.success(Self.nothing))
        default: return completion(.failure(.invalidRequest))
        }
        partition.find(query, isolation: isolation, currentLeaderEpoch: epoch) { result in
            completion(result.map { $0 ?? Self.nothing })
        }
    }

    /// The offset of a log's first record, or the one after its last.
    private func findEnd(
        _ part: Fields,
        _ isolation: Isolation,
        in partition: Partition,
        completion: @escaping @Sendable (Found) -> Void
    ) {
        let isLatest = part.int64("timestamp") == Query.latest
        let epoch = part.int32("currentLeaderEpoch")
        let isAccepted = partition.perform { log in
            if let error = log.check(currentLeaderEpoch: epoch) {
                return completion(.failure(error))
            }
            let offsets = log.offsets
            completion(
                .success(
                    TimestampedOffset(
                        offset: isLatest ? offsets.end(for: isolation) : offsets.logStart,
                        timestamp: -1,
                        leaderEpoch: isLatest
                            ? log.leaderEpoch : log.epochs.entries.first?.epoch ?? -1
                    )
                )
            )
        }
        if !isAccepted { completion(.failure(.kafkaStorageError)) }
    }

    private static let nothing = TimestampedOffset(offset: -1, timestamp: -1, leaderEpoch: -1)

    private func response(_ topics: [Fields], _ found: [Found]) -> Fields {
        var rest = found[...]
        var response = Fields()
        response.set(
            "topics",
            topics.map { topic -> Fields in
                let wanted = topic.array("partitions")
                let partitions = zip(wanted, rest.prefix(wanted.count)).map { part, found in
                    var fields: Fields = [
                        "partitionIndex": .int(part.int64("partitionIndex"))
                    ]
                    switch found {
                    case .failure(let code): fields.set("errorCode", code)
                    case .success(let place):
                        fields.set("timestamp", place.timestamp)
                        fields.set("offset", place.offset)
                        fields.set("leaderEpoch", place.leaderEpoch)
                    }
                    return fields
                }
                rest = rest.dropFirst(wanted.count)
                var fields: Fields = ["name": .string(topic.string("name"))]
                fields.set("partitions", partitions)
                return fields
            }
        )
        return response
    }
}
