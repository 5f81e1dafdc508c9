import Foundation
import KafkaWire

/// Asking and changing the logs of partitions, each on its own.
extension TopicAPIs {
    /// Looks up offsets: the ends of logs, and the first record at or after a time.
    var listOffsets: SchemaHandler {
        SchemaHandler(.listOffsets, ofPartitionsIn: logs) { part, request, partition, finish in
            let isolation = Isolation(rawValue: request.int8("isolationLevel")) ?? .readUncommitted
            find(part, isolation, in: partition) { found in
                finish(
                    found.map { place in
                        [
                            "timestamp": .int(place.timestamp), "offset": .int(place.offset),
                            "leaderEpoch": .number(place.leaderEpoch),
                        ]
                    }
                )
            }
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
        completion: @escaping @Sendable (Result<TimestampedOffset, ErrorCode>) -> Void
    ) {
        let nothing = TimestampedOffset(offset: -1, timestamp: -1, leaderEpoch: -1)
        let epoch = part.int32("currentLeaderEpoch")
        let time = part.int64("timestamp")
        switch time {
        case Query.latest, Query.earliest, Query.earliestLocal:
            partition.ask(currentLeaderEpoch: epoch, completion) { log in
                let (start, end) = (log.offsets.logStart, log.offsets.end(for: isolation))
                let firstEpoch = log.epochs.entries.first?.epoch ?? -1
                let place =
                    time == Query.latest ? (end, log.leaderEpoch) : (start, firstEpoch)
                return TimestampedOffset(offset: place.0, timestamp: -1, leaderEpoch: place.1)
            }
        case Query.lastTiered: completion(.success(nothing))
        case ..<Query.lastTiered: completion(.failure(.invalidRequest))
        default:
            partition.ask(currentLeaderEpoch: epoch, completion) { log throws(BrokerError) in
                let query = time == Query.greatestTime ? .greatest : TimestampQuery.atOrAfter(time)
                return try log.find(query, isolation) ?? nothing
            }
        }
    }

    /// Tells a consumer where the log of an epoch ends, so that it notices what a crash cut off.
    var offsetForLeaderEpoch: SchemaHandler {
        SchemaHandler(
            .offsetForLeaderEpoch,
            ofPartitionsIn: logs,
            topic: "topic",
            index: "partition"
        ) { part, _, partition, finish in
            let epoch = part.int32("leaderEpoch")
            partition.ask(currentLeaderEpoch: part.int32("currentLeaderEpoch")) { found in
                finish(
                    found.map { end in
                        ["leaderEpoch": .number(end.epoch), "endOffset": .int(end.endOffset)]
                    }
                )
            } _: {
                $0.end(of: epoch)
            }
        }
    }

    /// Hides all records before an offset.
    var deleteRecords: SchemaHandler {
        SchemaHandler(
            .deleteRecords,
            ofPartitionsIn: logs,
            failure: { _ in ["lowWatermark": -1] }
        ) { part, _, partition, finish in
            partition.deleteRecords(before: part.int64("offset")) { start in
                finish(start.map { ["lowWatermark": .int($0)] })
            }
        }
    }

    /// Lists the idempotent producers of partitions, with their open transactions.
    var describeProducers: SchemaHandler {
        SchemaHandler(
            .describeProducers,
            ofPartitionsIn: logs,
            failure: { code in
                let isMissing = code == .unknownTopicOrPartition
                return [
                    "errorMessage": .string(isMissing ? "There is no such partition." : "\(code)")
                ]
            }
        ) { _, _, partition, finish in
            partition.ask { found in
                finish(
                    found.map { producers in
                        ["activeProducers": .list(producers.map(\.fields))]
                    }
                )
            } _: {
                $0.describeProducers()
            }
        }
    }

    /// Tells how much of the disk each partition takes.
    var describeLogDirs: SchemaHandler {
        SchemaHandler(.describeLogDirs) { request, _, answer in
            let wanted = request.optionalArray("topics")?.map { topic in
                (topic.string("topic"), topic.int32s("partitions"))
            }
            let topics = wanted ?? store.topics.map { ($0.name, Array(0..<$0.partitionCount)) }
            // There is no way to say that one is unknown.
            let parts = topics.flatMap { name, indexes in
                indexes.compactMap { index in logs.partition(name, index).map { (name, $0) } }
            }
            let gather = Gather<Int>(parts.count) { sizes in
                let partitions = zip(parts, sizes).map { part, size -> (String, Fields) in
                    let index = part.1.id.index
                    return (
                        part.0, ["partitionIndex": .number(index), "partitionSize": .number(size)]
                    )
                }
                let groups = Dictionary(grouping: partitions, by: \.0).sorted { $0.key < $1.key }
                answer([
                    "results": .list([
                        logDirectory(
                            groups.map { name, parts in
                                ["name": .string(name), "partitions": .list(parts.map(\.1))]
                            }
                        )
                    ])
                ])
            }
            for (position, (_, partition)) in parts.enumerated() {
                let isAccepted = partition.perform { log in
                    gather.set(position, log.segments.reduce(0) { $0 + $1.byteCount })
                }
                if !isAccepted { gather.set(position, -1) }
            }
        }
    }

    private func logDirectory(_ topics: [Fields]) -> Fields {
        let path = DataDirectory.absolutePath(settings.dataDirectory)
        var result: Fields = ["logDir": .string(path), "topics": .list(topics)]
        if let free = SystemLogFiles().freeByteCount(at: path) {
            result["usableBytes"] = .int(free)
        }
        var info = statvfs()
        if statvfs(path, &info) == 0 {
            let bytes = UInt64(info.f_blocks) &* UInt64(info.f_frsize)
            result["totalBytes"] = .int(Int64(clamping: bytes))
        }
        return result
    }
}

extension ActiveProducer {
    fileprivate var fields: Fields {
        [
            "producerId": .int(producerID), "producerEpoch": .number(producerEpoch),
            "lastSequence": .number(lastSequence), "lastTimestamp": .int(lastTimestamp),
            // Not kept: there is one coordinator.
            "coordinatorEpoch": -1, "currentTxnStartOffset": .int(transactionStart ?? -1),
        ]
    }
}
