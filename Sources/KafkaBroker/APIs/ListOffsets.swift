import KafkaWire

/// ListOffsets: the ends of logs, and the first record at or after a time.
extension TopicAPIs {
    /// Times with a special meaning.
    private enum Query: Int64 {
        case latest = -1
        case earliest = -2
        case greatestTime = -3
        case earliestLocal = -4
        case lastTiered = -5
    }

    var listOffsets: SchemaHandler {
        SchemaHandler(.listOffsets, ofEachPartitionIn: logs) { part, request, partition, finish in
            let isolation = Isolation(rawValue: request.int8("isolationLevel")) ?? .readUncommitted
            let time = part.int64("timestamp")
            let epoch = part.int32("currentLeaderEpoch")
            partition.ask(currentLeaderEpoch: epoch, finish) { log throws(BrokerError) in
                let found = try find(time, isolation, in: log)
                return [
                    "timestamp": .int(found?.timestamp ?? -1), "offset": .int(found?.offset ?? -1),
                    "leaderEpoch": .number(found?.leaderEpoch ?? -1),
                ]
            }
        }
    }

    private func find(
        _ time: Int64,
        _ isolation: Isolation,
        in log: PartitionLog
    ) throws(BrokerError) -> TimestampedOffset? {
        switch Query(rawValue: time) {
        case .latest:
            TimestampedOffset(
                offset: log.offsets.end(for: isolation),
                timestamp: -1,
                leaderEpoch: log.leaderEpoch
            )
        case .earliest, .earliestLocal:
            TimestampedOffset(
                offset: log.offsets.logStart,
                timestamp: -1,
                leaderEpoch: log.epochs.entries.first?.epoch ?? -1
            )
        case .greatestTime: try log.find(.greatest, isolation)
        case .lastTiered: nil
        case nil where time >= 0: try log.find(.atOrAfter(time), isolation)
        case nil: throw BrokerError(.invalidRequest, "no time is \(time)")
        }
    }
}
