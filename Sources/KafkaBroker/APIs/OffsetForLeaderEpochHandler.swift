import KafkaWire

/// Tells a consumer where the log of an epoch ends, so that it notices what a crash cut off.
struct OffsetForLeaderEpochHandler: Sendable {
    let logs: TopicLogs

    /// Where an epoch ends.
    typealias Found = Result<EpochEnd, ErrorCode>

    /// The handler of OffsetForLeaderEpoch requests.
    var handler: SchemaHandler {
        SchemaHandler(.offsetForLeaderEpoch) { fields, _, answer in
            handle(fields.array("topics"), answer: answer)
        }
    }

    private func handle(_ topics: [Fields], answer: @escaping @Sendable (Fields) -> Void) {
        let parts = topics.flatMap { topic in
            topic.array("partitions").map { (name: topic.string("topic"), fields: $0) }
        }
        let gather = Gather<Found>(parts.count) { found in
            answer(response(topics, found))
        }
        for (index, part) in parts.enumerated() {
            guard let partition = logs.partition(part.name, part.fields.int32("partition")) else {
                gather.set(index, .failure(.unknownTopicOrPartition))
                continue
            }
            partition.end(
                ofEpoch: part.fields.int32("leaderEpoch"),
                currentLeaderEpoch: part.fields.int32("currentLeaderEpoch")
            ) { gather.set(index, $0) }
        }
    }

    private func response(_ topics: [Fields], _ found: [Found]) -> Fields {
        var rest = found[...]
        var response = Fields()
        response.set(
            "topics",
            topics.map { topic -> Fields in
                let wanted = topic.array("partitions")
                let partitions = zip(wanted, rest.prefix(wanted.count)).map { part, found in
                    var fields: Fields = ["partition": .int(part.int64("partition"))]
                    switch found {
                    case .failure(let code): fields.set("errorCode", code)
                    case .success(let end):
                        fields.set("leaderEpoch", end.epoch)
                        fields.set("endOffset", end.endOffset)
                    }
                    return fields
                }
                rest = rest.dropFirst(wanted.count)
                var fields: Fields = ["topic": .string(topic.string("topic"))]
                fields.set("partitions", partitions)
                return fields
            }
        )
        return response
    }
}
