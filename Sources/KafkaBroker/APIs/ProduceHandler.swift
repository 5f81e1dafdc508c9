import KafkaWire
import NIOCore

/// Appends record batches: one job for each partition on its log's thread, one answer for all.
struct ProduceHandler: RequestHandler {
    let key = APIKey.produce
    /// Batches are handed to their logs' threads in the order of the requests.
    let mayOverlap = true
    let logs: TopicLogs

    /// What became of the batch for one partition.
    typealias Outcome = Result<AppendedBatch, BrokerError>

    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        let produce: ProduceRequest
        do {
            guard ProduceRequest.versions.contains(request.version) else {
                return answer(.close(reason: "Produce version \(request.version) is too old"))
            }
            produce = try request.frame.withReader { reader throws(WireError) in
                try ProduceRequest(from: &reader, version: request.version)
            }
        } catch {
            return answer(.close(reason: error.description))
        }
        let parts = produce.topics.flatMap { topic in
            topic.partitions.map { (topic.name, $0) }
        }
        let gather = Gather<Outcome>(parts.count) { outcomes in
            finish(request, produce, outcomes, answer)
        }
        for (index, (name, part)) in parts.enumerated() {
            append(part, of: name, produce, request) { gather.set(index, $0) }
        }
    }

    private func append(
        _ part: ProduceRequest.Partition,
        of name: String,
        _ produce: ProduceRequest,
        _ request: Request,
        completion: @escaping @Sendable (Outcome) -> Void
    ) {
        guard (-1...1).contains(produce.acks) else {
            let failure = BrokerError(.invalidRequiredAcks, "acks must be -1, 0 or 1")
            return completion(.failure(failure))
        }
        guard let partition = logs.partition(name, part.index) else {
            return completion(.failure(.unknownTopic("\(name)-\(part.index)")))
        }
        let start = request.frame.readerIndex
        let batch = AppendRequest(
            records: part.records.flatMap {
                request.frame.getSlice(at: start + $0.lowerBound, length: $0.count)
            },
            acks: produce.acks,
            isTransactional: produce.transactionalID != nil,
            produceVersion: request.version
        )
        partition.append(batch, completion)
    }

    private func finish(
        _ request: Request,
        _ produce: ProduceRequest,
        _ outcomes: [Outcome],
        _ answer: @Sendable (Answer) -> Void
    ) {
        guard produce.acks != 0 else {
            for case .failure(let failure) in outcomes {
                // Nobody reads an answer: closing is the only way to say that something failed.
                return answer(.close(reason: "a Produce with acks=0 failed: \(failure)"))
            }
            return answer(.nothing)
        }
        var rest = outcomes[...]
        let topics = produce.topics.map { topic -> Fields in
            let partitions = topic.partitions.map { describe($0.index, rest.removeFirst()) }
            return ["name": .string(topic.name), "partitionResponses": .list(partitions)]
        }
        answer(request.answer(["responses": .list(topics)]))
    }

    private func describe(_ index: Int32, _ outcome: Outcome) -> Fields {
        switch outcome {
        case .success(let appended):
            return [
                "index": .number(index), "baseOffset": .int(appended.baseOffset),
                "logAppendTimeMs": .int(appended.appendTimestamp),
                "logStartOffset": .int(appended.logStartOffset),
            ]
        case .failure(let failure):
            let records = failure.recordErrors.map { record -> Fields in
                [
                    "batchIndex": .number(record.index),
                    "batchIndexErrorMessage": .string(record.message),
                ]
            }
            return [
                "index": .number(index), "baseOffset": -1,
                "errorCode": .code(failure.errorCode),
                "errorMessage": .string(failure.message), "recordErrors": .list(records),
            ]
        }
    }
}
