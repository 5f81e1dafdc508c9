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
        ofEach entries: @escaping @Sendable (Fields) -> [Fields],
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
            for (position, entry) in entries.enumerated() {
                let finish = { @Sendable (outcome: EntryOutcome) in
                    var result: Fields
                    switch outcome {
                    case .success(let fields):
                        result = fields
                        result["errorMessage"] = .null
                    case .failure(let error):
                        result = ["errorMessage": .string(error.description)]
                        result["errorCode"] = .code(error.errorCode)
                    }
                    for name in identity where result[name] == nil { result[name] = entry[name] }
                    gather.set(position, result)
                }
                do throws(BrokerError) {
                    guard groups[names[position]]?.count == 1 else {
                        throw BrokerError(.invalidRequest, "The request names it more than once.")
                    }
                    try body(entry, request, finish)
                } catch {
                    finish(.failure(error))
                }
            }
        }
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
        ofEachPartitionIn logs: TopicLogs,
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
                let numbers = entry.int32s("partitionIndexes").map {
                    [index: .number($0)] as Fields
                }
                return (name: entry.string(topic), parts: entry.array("partitions") + numbers)
            }
            let names = topics.flatMap { name, parts in parts.map { "\(name) \($0.int32(index))" } }
            let groups = Dictionary(grouping: names, by: \.self)
            let answers = Gather<Fields>(topics.count) { answer(["topics": .list($0)]) }
            for (place, (name, parts)) in topics.enumerated() {
                let partitions = Gather<Fields>(parts.count) {
                    answers.set(place, [topic: .string(name), "partitions": .list($0)])
                }
                for (position, part) in parts.enumerated() {
                    let number = part.int32(index)
                    let finish = { @Sendable (outcome: PartitionOutcome) in
                        var result: Fields
                        switch outcome {
                        case .success(let fields): result = fields
                        case .failure(let code):
                            result = failure(code)
                            result["errorCode"] = .code(code)
                        }
                        result[index] = .number(number)
                        partitions.set(position, result)
                    }
                    if groups["\(name) \(number)"]?.count != 1 {
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
}
