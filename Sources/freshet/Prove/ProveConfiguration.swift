import Foundation

/// What a proof's processes are configured with.
struct ProveConfiguration: Sendable {
    /// What is asked of a proof.
    struct Options: Sendable, Equatable {
        var kills: Int
        var seed: UInt64
        var partitions: Int
        var scorers: Int
        /// Events per second.
        var rate: Int

        /// Requests per second.
        var requestRate: Int { max(1, rate / 10) }
    }

    /// The configuration of all processes, and of this one.
    let effective: EffectiveConfiguration
    /// That of a trainer that nobody disturbs, of another model in the same store.
    let undisturbed: EffectiveConfiguration
    private let arguments: [String]

    /// Settings under which a little time holds a lot of recovery; what the command line sets holds.
    ///
    /// A copy comes 20 events after its original, but after a stall a partition's are learned by
    /// thousands before it is the next one's turn: many more lie between them.
    private static let pace = [
        ("model.settings.factors", "8"), ("model.settings.implicit.negatives", "5"),
        ("model.settings.window_events", "100"), ("model.settings.memory.limit", "512KiB"),
        ("trainer.publish_interval", "20ms"), ("trainer.checkpoint_interval", "200ms"),
        ("trainer.maximum_increments", "5"), ("trainer.duplicate_window", "100000"),
        ("store.keep_versions", "3"),
    ]

    /// The configuration of a proof.
    ///
    /// - Parameters:
    ///   - common: What the command line says.
    ///   - folder: Where data and store are.
    ///   - port: That of the broker, if it is ours.
    /// - Throws: When what the command line says is wrong.
    init(_ common: CommonOptions, _ folder: ProveFolder, port: Int?) throws {
        let given = try common.load()
        try given.require(.recommender, for: "freshet prove")
        var settings = Self.pace.filter { key, _ in
            if case .flag = given.origin(of: key) { false } else { true }
        }
        settings += [
            ("store.directory", folder.store), ("topics.directory", folder.topics),
            ("trainer.start", "earliest"), ("scorer.start", "earliest"),
            ("scorer.serve", "live"), ("scorer.exactly_once", "true"),
        ]
        let run = folder.name
        if let port {
            settings += [
                ("broker.data", folder.broker), ("broker.host", "127.0.0.1"),
                ("broker.port", String(port)), ("broker.advertised_host", ""),
                ("kafka.bootstrap_servers", "127.0.0.1:\(port)"),
            ]
        } else {
            settings.append(
                ("kafka.bootstrap_servers", given.configuration.kafka.bootstrapServers)
            )
            // Others may use the broker: nothing is named as theirs is.
            settings += TopicRole.allCases.map { role in
                ("topics.names.\(role.settingKey)", "\(run)-\(role.rawValue)")
            }
        }
        settings.append(("scorer.group", run))
        func load(model: String) throws -> EffectiveConfiguration {
            try common.load(
                (settings + [("model.name", model)]).map {
                    EffectiveConfiguration.Override(key: $0, value: $1, flag: "prove")
                }
            )
        }
        effective = try load(model: run)
        undisturbed = try load(model: "\(run)-undisturbed")
        arguments =
            (common.config.map { ["--config", $0] } ?? [])
            + common.assignments.flatMap { ["--set", $0] }
            + (settings + [("model.name", run)]).flatMap { ["--set", "\($0)=\($1)"] }
    }

    /// The command line of a process.
    func arguments(of role: ProveRole) -> [String] {
        switch role {
        case .broker: ["broker"] + arguments
        case .trainer: ["train"] + arguments
        case .scorer(let index):
            ["score", "--json", "--state-hash", "--set", "scorer.instance=\(index)"] + arguments
        }
    }
}
