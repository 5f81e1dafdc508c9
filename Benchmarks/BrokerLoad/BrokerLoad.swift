import ArgumentParser

/// Puts one kind of load on a broker, or on the bare disk, and prints what it measured.
///
/// `Benchmarks/broker` runs it; this process costs less than the broker, so that the broker is what
/// is measured.
@main
struct BrokerLoad: ParsableCommand {
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case create, produce, raw, fetch, latency, commit, transaction
    }

    static let configuration = CommandConfiguration(commandName: "broker-load")

    @Argument(help: "What to do.")
    var kind: Kind

    @Option(help: "The broker's address.")
    var address = "127.0.0.1:9092"

    @Option(help: "The topic to write or read.")
    var topic = "load"

    @Option(help: "Connections, or files.")
    var parallel = 1

    @Option(help: "Partitions of the topic, shared out among the connections.")
    var partitions = 1

    @Option(help: "Settings of a topic to create, as name=value.")
    var set: [String] = []

    @Option(parsing: .unconditional, help: "1, or -1 for all.")
    var acks: Int16 = -1

    @Option(help: "Size of a batch, of a write, or of what is fetched at once.")
    var size = 65536

    @Option(help: "Size of a record's value.")
    var record = 1000

    @Option(help: "How many requests, writes or transactions in all.")
    var count = 1000

    @Option(help: "Requests of a connection under way.")
    var inFlight = 1

    @Option(help: "Where a fetch ends, in each partition.")
    var end: Int64 = 0

    @Option(help: "The directory to write to.")
    var directory = "."

    @Flag(help: "Sync after each write.")
    var sync = false

    func run() throws {
        switch kind {
        case .create: try create()
        case .produce: try produce().print()
        case .raw:
            try RawLoad(
                directory: directory,
                byteCount: size,
                writeCount: count,
                fileCount: parallel,
                isSynced: sync
            ).run().print()
        case .fetch:
            try FetchLoad(
                address: address,
                topic: topic,
                connectionCount: parallel,
                endOffset: end,
                byteCount: size
            ).run().print()
        case .latency:
            try LatencyLoad(
                address: address,
                topic: topic,
                acks: acks,
                count: count,
                pauseMilliseconds: 5
            ).run().print()
        case .commit:
            try CommitLoad(
                address: address,
                topic: topic,
                count: count,
                connectionCount: parallel
            ).run().print()
        case .transaction:
            try TransactionLoad(
                address: address,
                topic: topic,
                count: count,
                connectionCount: parallel
            ).run().print()
        }
    }

    private func create() throws {
        let settings = set.map { setting in
            let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
            return (name: parts[0], value: parts.count > 1 ? parts[1] : "")
        }
        try Connection(address).ask(
            Frame.createTopic(topic, partitionCount: partitions, configuration: settings)
        ) { try $0.readCreateTopics() }
    }

    private func produce() throws -> Measurement {
        try ProduceLoad(
            address: address,
            topic: topic,
            acks: acks,
            batch: .of(byteCount: size, recordByteCount: record),
            requestCount: count,
            connectionCount: parallel,
            partitionCount: partitions,
            inFlight: inFlight
        ).run()
    }
}
