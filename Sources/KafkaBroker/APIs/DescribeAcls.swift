import KafkaWire

/// DescribeAcls: there are no access lists, and the answer is that of a Kafka without authorizer.
extension TopicAPIs {
    static let withoutAuthorizer: Fields = [
        "errorCode": .code(.securityDisabled), "errorMessage": "No Authorizer is configured.",
    ]

    var describeAcls: SchemaHandler {
        SchemaHandler(.describeAcls) { _, _, answer in answer(Self.withoutAuthorizer) }
    }
}
