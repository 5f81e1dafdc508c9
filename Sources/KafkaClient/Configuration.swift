internal import CLibrdkafka
internal import Streaming

/// A librdkafka configuration that has not become a client yet; owner of its `rd_kafka_conf_t`.
///
/// A refused property or a client that cannot start leaves it to `deinit`, so nothing leaks.
struct Configuration: ~Copyable {
    private let pointer: OpaquePointer

    init() {
        // Never null: librdkafka ends the process when memory is exhausted.
        guard let pointer = rd_kafka_conf_new() else {
            fatalError("librdkafka made no configuration")
        }
        self.pointer = pointer
    }

    deinit { rd_kafka_conf_destroy(pointer) }

    /// What every client of ours wants: small requests leave at once, a broker that restarts is
    /// found again within a second, and log lines carry no more than their text.
    private static let commonDefaults = [
        "socket.nagle.disable": "true",
        "reconnect.backoff.ms": "50",
        "reconnect.backoff.max.ms": "1000",
        "log.thread.name": "false",
        "log.connection.close": "false",
    ]

    /// Sets the common defaults, `defaults`, the settings, and `fixed`; the later ones win.
    ///
    /// Throws for settings that would break a promise of this module.
    func apply(
        _ settings: KafkaSettings,
        defaults: [String: String],
        fixed: [String: String] = [:]
    ) throws(StreamError) {
        try ReservedProperties.check(settings.properties)
        var merged = Self.commonDefaults
        merged.merge(defaults) { _, particular in particular }
        merged["client.id"] = settings.clientID
        // The property under its older name replaces the address too.
        if settings.properties["metadata.broker.list"] == nil {
            merged["bootstrap.servers"] = settings.bootstrapServers
        }
        merged.merge(settings.properties) { _, wanted in wanted }
        merged.merge(fixed) { _, fixed in fixed }
        for (name, value) in merged.sorted(by: { $0.key < $1.key }) {
            try set(name, value)
        }
    }

    /// Sets one property; throws a configuration error that names it when librdkafka refuses it.
    private func set(_ name: String, _ value: String) throws(StreamError) {
        var text = [CChar](repeating: 0, count: 512)
        let result = rd_kafka_conf_set(pointer, name, value, &text, text.count)
        guard result != RD_KAFKA_CONF_OK else { return }
        throw StreamError(
            .configuration,
            "Kafka property \"\(name)\" refused: \(string(text))",
            remedy: "correct or remove it; librdkafka's CONFIGURATION.md lists the properties of "
                + "version \(String(cString: rd_kafka_version_str()))"
        )
    }

    /// Directs librdkafka's callbacks to `target`, which must outlive the client.
    func direct(to target: CallbackTarget) {
        // Unretained: the ClientHandle that owns the client owns the target too, and destroys the
        // client, after which no callback runs, before it lets go of the target.
        rd_kafka_conf_set_opaque(pointer, Unmanaged.passUnretained(target).toOpaque())
        rd_kafka_conf_set_log_cb(pointer, logCallback)
        rd_kafka_conf_set_error_cb(pointer, errorCallback)
    }

    /// Asks for delivery reports; they are called from `rd_kafka_poll` and `rd_kafka_flush`.
    func reportDeliveries() {
        rd_kafka_conf_set_dr_msg_cb(pointer, deliveryCallback)
    }

    /// Asks for changes of a group's assignment and the fate of commits; called while polling.
    func reportGroupChanges() {
        rd_kafka_conf_set_rebalance_cb(pointer, rebalanceCallback)
        rd_kafka_conf_set_offset_commit_cb(pointer, commitCallback)
    }

    /// Starts a client, which takes the configuration over.
    consuming func start(_ type: rd_kafka_type_t) throws(StreamError) -> OpaquePointer {
        var text = [CChar](repeating: 0, count: 512)
        guard let client = rd_kafka_new(type, pointer, &text, text.count) else {
            _ = consume self
            throw StreamError(
                .configuration,
                "Kafka client not started: \(string(text))",
                remedy: "correct the Kafka properties that it names"
            )
        }
        discard self
        return client
    }
}

/// The text of a C buffer up to its terminating zero.
func string(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// The text of a C string; empty for null.
func string(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
}
