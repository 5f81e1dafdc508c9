import KafkaWire
import NIOCore

/// Appends record batches: one job for each partition on its log's thread, one answer for all.
struct ProduceHandler: RequestHandler {
    let key = APIKey.produce
    let logs: TopicLogs

    /// What became of the batch for one partition.
    typealias Outcome = Result<AppendedBatch, AppendFailure>

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
            return completion(
                .failure(AppendFailure(.invalidRequiredAcks, "acks must be -1, 0 or 1."))
            )
        }
        guard let partition = logs.partition(name, part.index) else {
            let message = "There is no partition \(part.index) of a topic \(name)."
            return completion(.failure(AppendFailure(.unknownTopicOrPartition, message)))
        }
        let records = part.records.flatMap {
            request.frame.getSlice(
                at: request.frame.readerIndex + $0.lowerBound,
                length: $0.count
            )
        }
        partition.append(
            AppendRequest(
                records: records,
                acks: produce.acks,
                isTransactional: produce.transactionalID != nil,
                produceVersion: request.version
            ),
            completion
        )
    }

    private func finish(
        _ request: Request,
        _ produce: ProduceRequest,
        _ outcomes: [Outcome],
        _ answer: @Sendable (Answer) -> Void
    ) {
        guard produce.acks != 0 else {
            // Nobody reads an answer: closing is the only way to say that something failed.
            let failure = outcomes.lazy.compactMap { outcome -> AppendFailure? in
                guard case .failure(let failure) = outcome else { return nil }
                return failure
            }.first
            return answer(
                failure.map { .close(reason: "a Produce with acks=0 failed: \($0.errorCode)") }
                    ?? .nothing
            )
        }
        var rest = outcomes[...]
        let topics = produce.topics.map { topic -> Fields in
            let partitions = zip(topic.partitions, rest.prefix(topic.partitions.count)).map {
                describe($0.index, $1)
            }
            rest = rest.dropFirst(topic.partitions.count)
            var fields: Fields = ["name": .string(topic.name)]
            fields.set("partitionResponses", partitions)
            return fields
        }
        var response = Fields()
        response.set("responses", topics)
        answer(request.answer(response))
    }

    private func describe(_ index: Int32, _ outcome: Outcome) -> Fields {
        switch outcome {
        case .success(let appended):
            return [
                "index": .int(Int64(index)), "baseOffset": .int(appended.baseOffset),
                "logAppendTimeMs": .int(appended.appendTimestamp),
                "logStartOffset": .int(appended.logStartOffset),
            ]
        case .failure(let failure):
            var fields: Fields = ["index": .int(Int64(index)), "baseOffset": -1]
            fields.set("errorCode", failure.errorCode)
            fields.set("errorMessage", failure.message)
            fields.set(
                "recordErrors",
                failure.recordErrors.map { record -> Fields in
                    [
                        "batchIndex": .int(Int64(record.index)),
                        "batchIndexErrorMessage": record.message.map { .string($0) } ?? .null,
                    ]
                }
            )
            return fields
        }
    }
}
