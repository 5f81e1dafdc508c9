import KafkaWire

/// OffsetForLeaderEpoch: where the log of an epoch ends, so that a consumer notices what a crash
/// cut off.
extension TopicAPIs {
    var offsetForLeaderEpoch: SchemaHandler {
        SchemaHandler(
            .offsetForLeaderEpoch,
            ofEachPartitionIn: logs,
            topic: "topic",
            index: "partition"
        ) { part, _, partition, finish in
            let epoch = part.int32("leaderEpoch")
            partition.ask(currentLeaderEpoch: part.int32("currentLeaderEpoch"), finish) { log in
                let end = log.end(of: epoch)
                return ["leaderEpoch": .number(end.epoch), "endOffset": .int(end.endOffset)]
            }
        }
    }
}
