import KafkaWire

/// DescribeProducers: the idempotent producers of partitions, with their open transactions.
extension TopicAPIs {
    var describeProducers: SchemaHandler {
        SchemaHandler(
            .describeProducers,
            ofEachPartitionIn: logs,
            failure: { code in
                let isMissing = code == .unknownTopicOrPartition
                return ["errorMessage": .string(isMissing ? Self.noPartition : "\(code)")]
            }
        ) { _, _, partition, finish in
            partition.ask(finish) { log in
                let producers = log.describeProducers().map { producer -> Fields in
                    [
                        "producerId": .int(producer.producerID),
                        "producerEpoch": .number(producer.producerEpoch),
                        "lastSequence": .number(producer.lastSequence),
                        "lastTimestamp": .int(producer.lastTimestamp),
                        // Not kept: there is one coordinator.
                        "coordinatorEpoch": -1,
                        "currentTxnStartOffset": .int(producer.transactionStart ?? -1),
                    ]
                }
                return ["activeProducers": .list(producers)]
            }
        }
    }
}
