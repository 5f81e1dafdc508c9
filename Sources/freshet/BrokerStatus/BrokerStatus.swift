/// What a running broker tells of itself, as scripts read it.
struct BrokerStatus: Encodable, Equatable {
    var broker = Broker()
    var topics: [Topic] = []
    var groups: [Group] = []
    var transactions: [Transaction] = []
    var quarantine = Quarantine()

    /// The process.
    struct Broker: Encodable, Equatable {
        var address = ""
        var clusterID = ""
        /// Where it keeps its data, on its machine.
        var dataDirectory = ""
        /// Room on that disk; negative if the broker does not know.
        var freeBytes: Int64 = -1
        var totalBytes: Int64 = -1
    }

    /// One topic.
    struct Topic: Encodable, Equatable {
        var topic: String
        var cleanupPolicy: String
        var partitions: [Partition]

        /// Records that can be read; markers of transactions count as records.
        var recordCount: Int64 { partitions.reduce(0) { $0 &+ $1.endOffset &- $1.startOffset } }
        var bytes: Int64 { partitions.reduce(0) { $0 &+ $1.bytes } }
    }

    /// One partition of a topic.
    struct Partition: Encodable, Equatable {
        var partition: Int32
        /// The first offset that can be read.
        var startOffset: Int64 = 0
        /// The offset after the last record.
        var endOffset: Int64 = 0
        /// Readers of committed records stop here: a transaction may be open from there on.
        var lastStableOffset: Int64 = 0
        /// Bytes on the disk.
        var bytes: Int64 = 0
    }

    /// One consumer group.
    struct Group: Encodable, Equatable {
        var group: String
        var state: String
        var members: Int
        var offsets: [Position]
    }

    /// How far a group has come in a partition.
    struct Position: Encodable, Equatable {
        var topic: String
        var partition: Int32
        var committed: Int64
        /// Records that can be read and were not committed; nil if the partition is gone.
        var lag: Int64?
    }

    /// A transaction that is not over.
    struct Transaction: Encodable, Equatable {
        var transactionalID: String
        var state: String
        var producerID: Int64
        var producerEpoch: Int16
        var ageMilliseconds: Int64
        var timeoutMilliseconds: Int32
        var partitions: [String]
    }

    /// What starts after a crash found damaged and put aside.
    struct Quarantine: Encodable, Equatable {
        var directory = ""
        /// The files with their sizes; nil if the directory cannot be seen from here.
        var files: [String: Int64]?
    }
}
