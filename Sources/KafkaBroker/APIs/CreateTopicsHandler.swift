import KafkaWire

/// Creates topics; answered when they are on stable storage and visible.
struct CreateTopicsHandler: Sendable {
    let node: Node
    let catalog: TopicCatalog

    /// The handler of CreateTopics requests.
    var handler: SchemaHandler {
        SchemaHandler(.createTopics) { fields, _, answer in handle(fields, answer: answer) }
    }

    /// A topic that passed every check.
    private struct Plan: Sendable {
        var name: String
        var partitionCount: Int32
        var configuration: TopicConfiguration
    }

    /// Why a topic is not created.
    private struct Refusal: Error {
        var code: ErrorCode
        var message: String

        init(_ code: ErrorCode, _ message: String) {
            self.code = code
            self.message = message
        }

        init(_ error: BrokerError) { self.init(error.errorCode, error.message) }
    }

    private func handle(_ fields: Fields, answer: @escaping @Sendable (Fields) -> Void) {
        let topics = fields.array("topics")
        let validateOnly = fields.bool("validateOnly")
        let gather = Gather<Fields>(topics.count) { results in
            var response = Fields()
            response.set("topics", results)
            answer(response)
        }
        let names = topics.map { $0.string("name") }
        let duplicates = Set(Dictionary(grouping: names, by: \.self).filter { $1.count > 1 }.keys)
        for (index, topic) in topics.enumerated() {
            do throws(Refusal) {
                let plan = try plan(topic, duplicates: duplicates)
                guard !validateOnly else {
                    gather.set(index, success(plan, id: .zero))
                    continue
                }
                catalog.create(
                    named: plan.name,
                    partitionCount: plan.partitionCount,
                    configuration: plan.configuration
                ) { result in
                    switch result {
                    case .success(let topic): gather.set(index, success(plan, id: topic.id))
                    case .failure(let error):
                        gather.set(index, failure(plan.name, Refusal(error)))
                    }
                }
            } catch {
                gather.set(index, failure(names[index], error))
            }
        }
    }

    private func plan(_ topic: Fields, duplicates: Set<String>) throws(Refusal) -> Plan {
        let name = topic.string("name")
        guard !duplicates.contains(name) else {
            throw Refusal(.invalidRequest, "Duplicate topic name.")
        }
        let partitionCount = try partitionCount(topic)
        do throws(BrokerError) {
            try Topic.validate(name: name)
            try Topic.validate(partitionCount: partitionCount)
            let configuration = try TopicConfiguration(
                checking: topic.array("configs").map {
                    ($0.string("name"), $0.optionalString("value"))
                }
            )
            guard catalog.store.topic(named: name) == nil else {
                throw BrokerError(
                    .topicExists,
                    "Topic '\(name)' already exists.",
                    remedy: "use it, or choose another name"
                )
            }
            return Plan(name: name, partitionCount: partitionCount, configuration: configuration)
        } catch {
            throw Refusal(error)
        }
    }

    /// The number of partitions that the request asks for, by number or by assignment.
    private func partitionCount(_ topic: Fields) throws(Refusal) -> Int32 {
        let asked = topic.int32("numPartitions")
        let replicas = topic.int16("replicationFactor")
        let assignments = topic.array("assignments")
        guard assignments.isEmpty else {
            guard asked == -1, replicas == -1 else {
                throw Refusal(
                    .invalidRequest,
                    "Both numPartitions or replicationFactor and assignments were set."
                )
            }
            let indexes = assignments.map { $0.int32("partitionIndex") }.sorted()
            let isComplete = indexes == Array(0..<Int32(assignments.count))
            guard isComplete, assignments.allSatisfy({ $0.int32s("brokerIds") == [node.id] })
            else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Each partition from 0 on must be assigned to broker \(node.id) alone."
                )
            }
            return Int32(assignments.count)
        }
        guard replicas == -1 || replicas == 1 || catalog.settings.clampReplicationFactor else {
            throw Refusal(
                .invalidReplicationFactor,
                replicas < 1
                    ? "Replication factor must be larger than 0."
                    : "Replication factor: \(replicas) larger than available brokers: 1."
            )
        }
        return asked == -1 ? Int32(catalog.settings.numPartitions) : asked
    }

    private func failure(_ name: String, _ refusal: Refusal) -> Fields {
        var fields: Fields = ["name": .string(name), "errorMessage": .string(refusal.message)]
        fields.set("errorCode", refusal.code)
        return fields
    }

    private func success(_ plan: Plan, id: UUID16) -> Fields {
        var fields: Fields = [
            "name": .string(plan.name), "errorMessage": nil,
            "numPartitions": .int(Int64(plan.partitionCount)), "replicationFactor": 1,
        ]
        fields.set("topicId", id)
        fields.set(
            "configs",
            TopicSetting.all.map { setting -> Fields in
                let settings = catalog.settings
                let source = ConfigSource(of: setting.name, plan.configuration, settings)
                let value = settings.effective(plan.configuration).value(setting.name)
                return [
                    "name": .string(setting.name), "value": .string(value ?? ""),
                    "configSource": .int(source.rawValue),
                ]
            }
        )
        return fields
    }
}
