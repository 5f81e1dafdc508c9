/// The status as people read it.
extension BrokerStatus {
    /// One section after another.
    var lines: [String] {
        [brokerLines, topicLines, groupLines, transactionLines, quarantineLines]
            .filter { !$0.isEmpty }
            .joined(separator: [""])
            .map { $0 }
    }

    private var brokerLines: [String] {
        let space =
            broker.freeBytes < 0
            ? ""
            : ", \(readableSize(broker.freeBytes)) of \(readableSize(broker.totalBytes)) free"
        return [
            "broker at \(broker.address), cluster \(broker.clusterID)",
            "data in \(broker.dataDirectory)\(space)",
        ]
    }

    private var topicLines: [String] {
        guard !topics.isEmpty else { return ["no topics"] }
        var table = TextTable(["TOPIC", "PARTITIONS", "RECORDS", "SIZE", "CLEANUP"])
        for topic in topics {
            let isCompacted = topic.cleanupPolicy.contains("compact")
            table.add([
                topic.topic, "\(topic.partitions.count)", grouped(topic.recordCount),
                readableSize(topic.bytes),
                topic.cleanupPolicy
                    + (isCompacted
                        ? ": nothing is compacted yet, every version of a key is kept" : ""),
            ])
        }
        return table.lines
    }

    private var groupLines: [String] {
        guard !groups.isEmpty else { return ["no groups"] }
        var table = TextTable(["GROUP", "STATE", "MEMBERS", "TOPIC", "LAG"])
        for group in groups {
            let byTopic = Dictionary(grouping: group.offsets, by: \.topic)
            let sections = byTopic.isEmpty ? ["": []] : byTopic
            for (topic, positions) in sections.sorted(by: { $0.key < $1.key }) {
                let lags = positions.compactMap(\.lag)
                let count = topics.first { $0.topic == topic }?.partitions.count ?? 0
                // A topic that is gone has no partitions, and no lag either.
                let isPartial = !lags.isEmpty && lags.count < count
                let lag = lags.isEmpty ? "-" : grouped(lags.reduce(0, +))
                table.add([
                    group.group, group.state, "\(group.members)", topic.isEmpty ? "-" : topic,
                    isPartial ? "\(lag) in \(lags.count) of \(count) partitions" : lag,
                ])
            }
        }
        return table.lines
    }

    private var transactionLines: [String] {
        let held = topics.flatMap { topic in
            topic.partitions.filter { $0.lastStableOffset < $0.endOffset }.map { partition in
                "\(topic.topic)-\(partition.partition): readers of committed records wait at offset"
                    + " \(partition.lastStableOffset), the log ends at \(partition.endOffset)"
            }
        }
        guard !transactions.isEmpty else { return ["no open transactions"] + held }
        var table = TextTable(["TRANSACTION", "STATE", "PRODUCER", "AGE", "PARTITIONS"])
        for transaction in transactions {
            let age = Double(transaction.ageMilliseconds) / 1000
            let timeout = Double(transaction.timeoutMilliseconds) / 1000
            table.add([
                transaction.transactionalID, transaction.state, "\(transaction.producerID)",
                "\(age) s of \(timeout) s", transaction.partitions.joined(separator: ", "),
            ])
        }
        return table.lines + held
    }

    private var quarantineLines: [String] {
        guard let files = quarantine.files else {
            return [
                "damaged data, if any, is in \(quarantine.directory) on the broker's machine:"
                    + " look there, or name its data directory with --data"
            ]
        }
        guard !files.isEmpty else { return ["no quarantined files"] }
        return ["damaged data was put aside in \(quarantine.directory):"]
            + files.sorted { $0.key < $1.key }.map { "  \($0)  \(readableSize($1))" }
    }
}
