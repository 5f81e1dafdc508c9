import Learning

extension EffectiveConfiguration {
    /// Refuses values that have the right type and cannot work.
    func validate() throws(ConfigurationError) {
        try validateBroker()
        try validateTopics()
        try require(
            !configuration.kafka.bootstrapServers.isEmpty,
            "kafka.bootstrap_servers",
            "host:port"
        )
        try require(configuration.kafka.timeout.duration > .zero, "kafka.timeout", "more than 0")
        try require(!configuration.store.directory.isEmpty, "store.directory", "a directory")
        try require(configuration.store.keepVersions >= 1, "store.keep_versions", "1 or more")
        try require(!configuration.model.name.isEmpty, "model.name", "a name")
        try validateTrainer()
        try require(!configuration.scorer.group.isEmpty, "scorer.group", "a name")
        try require(
            (1...100_000).contains(configuration.scorer.batchSize),
            "scorer.batch_size",
            "1 to 100000"
        )
        try require(!configuration.scorer.instance.isEmpty, "scorer.instance", "a name")
        try require(!configuration.scorer.serve.isEmpty, "scorer.serve", "live or an alias")
        try validateModel()
    }

    private func validateBroker() throws(ConfigurationError) {
        let broker = configuration.broker
        try require((0...65535).contains(broker.port), "broker.port", "0 to 65535")
        try require(!broker.data.isEmpty, "broker.data", "a directory")
        try require(
            (1...10_000).contains(broker.defaultPartitions),
            "broker.default_partitions",
            "1 to 10000"
        )
        try require(
            broker.maximumConnections > 0,
            "broker.maximum_connections",
            "a number from 1 up"
        )
        try require(
            broker.flushInterval.duration >= .milliseconds(1),
            "broker.flush_interval",
            "1ms or more"
        )
        try require(
            (.milliseconds(1)...(.seconds(86_400))).contains(
                broker.retentionCheckInterval.duration
            ),
            "broker.retention_check_interval",
            "1ms to 1d"
        )
        try require(
            broker.groupInitialRebalanceDelay.duration <= .seconds(300),
            "broker.group_initial_rebalance_delay",
            "0 to 5m"
        )
        try require(
            (.milliseconds(1)...(.seconds(315_360_000))).contains(broker.offsetsRetention.duration),
            "broker.offsets_retention",
            "1ms to 3650d"
        )
        try require(
            (.milliseconds(1)...(.seconds(2_073_600))).contains(
                broker.producerIDExpiration.duration
            ),
            "broker.producer_id_expiration",
            "1ms to 24d"
        )
    }

    private func validateTopics() throws(ConfigurationError) {
        let replication = configuration.topics.replicationFactor
        try require(
            replication == -1 || (1...32767).contains(replication),
            "topics.replication_factor",
            "-1 (the broker chooses) or 1 to 32767"
        )
        for (role, name) in configuration.topics.names.all {
            try require(
                TopicNames.isValid(name),
                "topics.names.\(role.settingKey)",
                "1 to 249 letters, digits, dots, underscores or hyphens"
            )
        }
        try require(
            Set(configuration.topics.names.all.map(\.name)).count == TopicRole.allCases.count,
            "topics.names",
            "a different name for each topic"
        )
    }

    private func validateTrainer() throws(ConfigurationError) {
        let trainer = configuration.trainer
        try require(
            trainer.publishInterval.duration >= .milliseconds(1),
            "trainer.publish_interval",
            "1ms or more"
        )
        try require(
            trainer.checkpointInterval.duration > .zero || trainer.checkpointEvents > 0,
            "trainer.checkpoint_interval",
            "more than 0 unless trainer.checkpoint_events is"
        )
        try require(trainer.checkpointEvents >= 0, "trainer.checkpoint_events", "0 (off) or more")
        try require(
            (1...100_000).contains(trainer.batchSize),
            "trainer.batch_size",
            "1 to 100000"
        )
        try require(
            (0...1000).contains(trainer.maximumIncrements),
            "trainer.maximum_increments",
            "0 (whole files only) to 1000"
        )
        try require(
            (0...DuplicateWindow.maximumCapacity).contains(trainer.duplicateWindow),
            "trainer.duplicate_window",
            "0 (off) to \(DuplicateWindow.maximumCapacity)"
        )
        try require((0...19).contains(trainer.niceness), "trainer.niceness", "0 to 19")
    }

    /// The learner checks its own settings and names a field as Swift does: `implicit.negatives`.
    private func validateModel() throws(ConfigurationError) {
        do throws(LearningError) {
            try configuration.model.settings.validate()
        } catch {
            let field = error.message.prefix { $0 != " " }
            let steps = field.split(separator: ".").map { settingKey(String($0)) }
            let key = (["model", "settings"] + steps).joined(separator: ".")
            throw ConfigurationError(
                .outOfRange,
                "\(origin(of: key)): \(key)\(error.message.dropFirst(field.count))",
                remedy: error.remedy
            )
        }
    }
}
