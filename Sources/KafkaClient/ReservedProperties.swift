import Streaming

/// The properties of librdkafka that settings may not change, because what this module promises
/// depends on them.
enum ReservedProperties {
    private struct Rule {
        let names: Set<String>
        /// Values that change nothing.
        var harmless: [String] = []
        let reason: String

        init(_ names: String..., harmless: [String] = [], reason: String) {
            self.names = Set(names)
            self.harmless = harmless
            self.reason = reason
        }
    }

    private static let no = ["false", "f", "0"]
    private static let yes = ["true", "t", "1"]

    private static let rules = [
        Rule(
            "enable.partition.eof",
            reason: "readers set it where they need it; in a group, librdkafka 2.2 and later would "
                + "pass over records (its issue 4844)"
        ),
        Rule(
            "enable.auto.commit",
            "auto.commit.enable",
            "enable.auto.offset.store",
            harmless: no,
            reason: "offsets would be committed before their records have taken effect"
        ),
        Rule(
            "auto.offset.reset",
            reason: "records that are gone from the log would be passed over in silence"
        ),
        Rule(
            "isolation.level",
            harmless: ["read_committed"],
            reason: "records of aborted transactions would be read"
        ),
        Rule(
            "transactional.id",
            reason: "all producers would have it, and each would fence the one before"
        ),
        Rule(
            "enable.idempotence",
            harmless: yes,
            reason: "a retry could repeat records or change their order"
        ),
        Rule(
            "acks",
            "request.required.acks",
            harmless: ["all", "-1"],
            reason: "records would count as written that a crash of the broker can take away"
        ),
        Rule(
            "delivery.report.only.error",
            harmless: no,
            reason: "nobody would learn that a record was written"
        ),
        Rule(
            "log.queue",
            "enabled_events",
            harmless: no,
            reason: "what librdkafka has to tell would wait in a queue that nobody reads"
        ),
    ]

    /// Throws a configuration error for the first property that has a value of its own here.
    static func check(_ properties: [String: String]) throws(StreamError) {
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            guard let rule = rules.first(where: { $0.names.contains(name) }),
                !rule.harmless.contains(value.lowercased())
            else { continue }
            let other = rule.harmless.first.map { ", or set it to \($0)" } ?? ""
            throw StreamError(
                .configuration,
                "Kafka property \"\(name)\" is \"\(value)\": \(rule.reason)",
                remedy: "remove it from the Kafka properties\(other)"
            )
        }
    }
}
