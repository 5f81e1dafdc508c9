import KafkaWire

/// ListPartitionReassignments: partitions never move.
extension TopicAPIs {
    var listPartitionReassignments: SchemaHandler {
        SchemaHandler(.listPartitionReassignments) { _, _, answer in
            answer(["errorMessage": nil])
        }
    }
}
