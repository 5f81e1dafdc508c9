import Foundation
import KafkaWire

/// DescribeLogDirs: how much of the disk each partition takes.
extension TopicAPIs {
    var describeLogDirs: SchemaHandler {
        SchemaHandler(.describeLogDirs) { request, _, answer in
            let wanted = request.optionalArray("topics")?.map { topic in
                (topic.string("topic"), topic.int32s("partitions"))
            }
            let topics = (wanted ?? store.topics.map { ($0.name, Array(0..<$0.partitionCount)) })
                .map { name, indexes in (name, indexes.compactMap { logs.partition(name, $0) }) }
                // There is no way to say that one is unknown.
                .filter { !$0.1.isEmpty }
            let gather = Gather<Fields>(topics.count) { topics in
                answer(["results": .list([logDirectory(topics)])])
            }
            for (place, (name, partitions)) in topics.enumerated() {
                let sizes = Gather<Fields>(partitions.count) {
                    gather.set(place, ["name": .string(name), "partitions": .list($0)])
                }
                for (position, partition) in partitions.enumerated() {
                    partition.ask { size in
                        let size = (try? size.get()) ?? -1
                        let index = WireValue.number(partition.id.index)
                        sizes.set(
                            position,
                            ["partitionIndex": index, "partitionSize": .number(size)]
                        )
                    } _: {
                        $0.segments.reduce(0) { $0 + $1.byteCount }
                    }
                }
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
