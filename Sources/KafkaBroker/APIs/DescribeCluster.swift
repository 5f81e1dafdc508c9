import KafkaWire

/// DescribeCluster: the one node there is.
extension TopicAPIs {
    /// Asks for the brokers; 2 asks for the controllers of a KRaft quorum.
    private static let brokers: Int8 = 1

    var describeCluster: SchemaHandler {
        SchemaHandler(.describeCluster) { asked, request, answer in
            let type = asked.int8("endpointType")
            var response: Fields = [
                "endpointType": .number(type), "clusterId": .string(node.clusterID),
                "controllerId": .number(node.id),
            ]
            if request.version >= 1 && type != Self.brokers {
                response["errorCode"] = .code(.invalidRequest)
                response["errorMessage"] = "This node has no controller endpoint."
                return answer(response)
            }
            response["brokers"] = .list([address("brokerId")])
            if asked.bool("includeClusterAuthorizedOperations") {
                response["clusterAuthorizedOperations"] = Self.clusterOperations
            }
            answer(response)
        }
    }
}
