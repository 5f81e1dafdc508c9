import KafkaWire

/// APIs that are asked for several things at a time and answer for each on its own.
extension SchemaHandler {
    /// What became of one entry of a list: further fields of its answer, or why it failed.
    typealias EntryOutcome = Result<Fields, BrokerError>
    /// What became of one partition, likewise.
    typealias PartitionOutcome = Result<Fields, ErrorCode>

    /// An API whose answer has an entry, with code and text, for each entry of the request.
    ///
    /// An entry that appears twice is refused both times: it is not said which one holds.
    ///
    /// - Parameters:
    ///   - key: The API.
    ///   - results: What the list is called in the answer.
    ///   - identity: The fields that name an entry, in the request and in the answer.
    ///   - entries: Finds the entries of a request.
    ///   - body: Gets the entry, the request, and what to call once unless it throws.
    init(
        _ key: APIKey,
        into results: String,
        by identity: [String],
        of entries: @escaping @Sendable (Fields) -> [Fields],
        _ body:
            @escaping @Sendable (
                Fields, Fields, @escaping @Sendable (EntryOutcome) -> Void
            ) throws(BrokerError) -> Void
    ) {
        self.init(key) { request, _, answer in
            let entries = entries(request)
            let names = entries.map { entry in identity.map { entry[$0] } }
            let groups = Dictionary(grouping: names, by: \.self)
            let gather = Gather<Fields>(entries.count) { answer([results: .list($0)]) }
            for (index, entry) in entries.enumerated() {
                let finish = { @Sendable (outcome: EntryOutcome) in
                    gather.set(index, Self.result(of: entry, identity, outcome))
                }
                do throws(BrokerError) {
                    guard groups[names[index]]?.count == 1 else {
                        throw BrokerError(.invalidRequest, "The request names it more than once.")
                    }
                    try body(entry, request, finish)
                } catch {
                    finish(.failure(error))
                }
            }
        }
    }

    private static func result(
        of entry: Fields,
        _ identity: [String],
        _ outcome: EntryOutcome
    ) -> Fields {
        var result: Fields = ["errorMessage": nil]
        for name in identity { result[name] = entry[name] }
        switch outcome {
        case .success(let fields):
            for name in fields.names { result[name] = fields[name] }
        case .failure(let error):
            result["errorCode"] = .code(error.errorCode)
            result["errorMessage"] = .string(error.description)
        }
        return result
    }

    /// An API that asks the same of each of many partitions.
    ///
    /// - Parameters:
    ///   - key: The API.
    ///   - logs: Where the partitions are.
    ///   - topic: What the field with a topic's name is called.
    ///   - index: What the field with a partition's number is called.
    ///   - failure: Further fields of a partition that failed.
    ///   - ask: Gets what the request says of the partition, the request, the partition, and what
    ///     to call once, from any thread.
    init(
        _ key: APIKey,
        ofPartitionsIn logs: TopicLogs,
        topic: String = "name",
        index: String = "partitionIndex",
        failure: @escaping @Sendable (ErrorCode) -> Fields = { _ in [:] },
        _ ask:
            @escaping @Sendable (
                Fields, Fields, Partition, @escaping @Sendable (PartitionOutcome) -> Void
            ) -> Void
    ) {
        self.init(key) { request, _, answer in
            let topics = request.array("topics").map { entry in
                // Some APIs have structures, others only numbers.
                let numbers = entry.int32s("partitionIndexes").map { number -> Fields in
                    [index: .number(number)]
                }
                return (name: entry.string(topic), parts: entry.array("partitions") + numbers)
            }
            let parts = topics.flatMap { topic in topic.parts.map { (topic.name, $0) } }
            let keys = parts.map { "\($0) \($1.int32(index))" }
            let groups = Dictionary(grouping: keys, by: \.self)
            let gather = Gather<Fields>(parts.count) { results in
                var rest = results[...]
                let answers = topics.map { name, parts -> Fields in
                    defer { rest = rest.dropFirst(parts.count) }
                    return [topic: .string(name), "partitions": .list(rest.prefix(parts.count))]
                }
                answer(["topics": .list(answers)])
            }
            for (position, (name, part)) in parts.enumerated() {
                let number = part.int32(index)
                let finish = { @Sendable (outcome: PartitionOutcome) in
                    var fields: Fields
                    switch outcome {
                    case .success(let found): fields = found
                    case .failure(let code):
                        fields = failure(code)
                        fields["errorCode"] = .code(code)
                    }
                    fields[index] = .number(number)
                    gather.set(position, fields)
                }
                if groups[keys[position]]?.count != 1 {
                    finish(.failure(.invalidRequest))
                } else if let partition = logs.partition(name, number) {
                    ask(part, request, partition, finish)
                } else {
                    finish(.failure(.unknownTopicOrPartition))
                }
            }
        }
    }
}
