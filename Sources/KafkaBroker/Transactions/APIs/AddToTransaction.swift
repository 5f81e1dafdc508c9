import KafkaWire

/// AddPartitionsToTxn and AddOffsetsToTxn: say to what a transaction is going to write.
extension TransactionCoordinator {
    var addPartitionsToTransaction: SchemaHandler {
        SchemaHandler(.addPartitionsToTxn) { [self] request, header, answer in
            let topics = request.array("v3AndBelowTopics")
            let found = find(topics)
            guard !found.contains(nil) else {
                return answer(
                    Self.response(topics) { index in
                        found[index] == nil ? .unknownTopicOrPartition : .operationNotAttempted
                    }
                )
            }
            add(
                request.string("v3AndBelowTransactionalId"),
                Set(found.compactMap(\.self)),
                for: ProducerIdentity(request, "v3AndBelowProducerId", "v3AndBelowProducerEpoch")
            ) { outcome in
                let code = outcome.errorCode(header.version, fencedSince: 2)
                answer(Self.response(topics) { _ in code })
            }
        }
    }

    var addOffsetsToTransaction: SchemaHandler {
        SchemaHandler(.addOffsetsToTxn) { [self] request, header, answer in
            let id = request.string("transactionalId")
            let producer = ProducerIdentity(request)
            add(id, groups: [request.string("groupId")], for: producer) { outcome in
                answer(["errorCode": .code(outcome.errorCode(header.version, fencedSince: 2))])
            }
        }
    }

    /// Adds to a transaction, and lets its producer write to the partitions.
    func add(
        _ id: String,
        _ partitions: Set<PartitionID> = [],
        groups: Set<String> = [],
        for producer: ProducerIdentity,
        reply: @escaping @Sendable (Outcome) -> Void
    ) {
        let limit = environment.settings.maximumPartCount
        change(id) { state, now in
            state.add(partitions, groups: groups, for: producer, limit: limit, at: now)
        } reply: { [environment] outcome in
            guard case .success = outcome else { return reply(outcome) }
            // Also if they were added before: that answer may have been a failure.
            environment.begin(producer, in: partitions) { error in
                reply(error == .none ? outcome : .failure(error))
            }
        }
    }

    /// The partitions of a request, in order; nil for each that does not exist.
    private func find(_ topics: [Fields]) -> [PartitionID?] {
        topics.flatMap { requested -> [PartitionID?] in
            let topic = environment.store.topic(named: requested.string("name"))
            return requested.int32s("partitions").map { index in
                guard let topic, (0..<topic.partitionCount).contains(index) else { return nil }
                return PartitionID(topic: topic.id, index: index)
            }
        }
    }

    /// The answer with the code of each partition, by its place in the request.
    private static func response(_ topics: [Fields], _ code: (Int) -> ErrorCode) -> Fields {
        var count = 0
        let results = topics.map { topic -> Fields in
            let partitions = topic.int32s("partitions").map { index -> Fields in
                defer { count += 1 }
                return [
                    "partitionIndex": .int(Int64(index)), "partitionErrorCode": .code(code(count)),
                ]
            }
            return [
                "name": .string(topic.string("name")),
                "resultsByPartition": .list(partitions),
            ]
        }
        return ["resultsByTopicV3AndBelow": .list(results)]
    }
}
