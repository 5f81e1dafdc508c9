import KafkaWire

/// DeleteRecords: hides all records before an offset; answered when that is durable.
extension TopicAPIs {
    var deleteRecords: SchemaHandler {
        SchemaHandler(
            .deleteRecords,
            ofEachPartitionIn: logs,
            failure: { _ in ["lowWatermark": -1] }
        ) { part, _, partition, finish in
            partition.deleteRecords(before: part.int64("offset")) { start in
                finish(start.map { ["lowWatermark": .int($0)] })
            }
        }
    }
}
