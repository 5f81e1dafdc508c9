import KafkaWire

extension BrokerError {
    /// The code that tells a client about this failure.
    var errorCode: ErrorCode {
        switch kind {
        case .storage, .dataDirectory, .portTaken, .locked, .newerFormat: .kafkaStorageError
        case .overloaded: .coordinatorLoadInProgress
        case .closed: .coordinatorNotAvailable
        case .invalidTopicName: .invalidTopic
        case .topicExists: .topicAlreadyExists
        case .unknownTopic: .unknownTopicOrPartition
        case .invalidPartitionCount: .invalidPartitions
        case .invalidTopicSetting, .configuration: .invalidConfig
        case .other: .unknownServerError
        }
    }
}
