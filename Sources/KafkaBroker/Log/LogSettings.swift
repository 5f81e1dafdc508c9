/// How one topic's logs behave; the values come from the topic's configuration.
struct LogSettings: Sendable, Equatable {
    /// Greatest size of a segment file.
    var segmentByteCount: Int64 = 128 << 20
    /// Greatest age of the active segment in milliseconds.
    var segmentMilliseconds: Int64 = 604_800_000
    /// Greatest size of a batch.
    var maximumBatchByteCount: Int64 = 1_048_588
    /// Whether the broker sets the time of each record, instead of the producer.
    var usesAppendTime = false
    /// How far in the past a record's time may lie, in milliseconds.
    var maximumTimestampAge = Int64.max
    /// How far in the future a record's time may lie, in milliseconds.
    var maximumTimestampLead = Int64.max
    /// Whether the newest record of each key is kept: every record must have a key then.
    var isCompacted = false
    /// Whether old records are removed.
    var deletesOldRecords = true
    /// How long records are kept, in milliseconds; nil for ever.
    var retentionMilliseconds: Int64? = 604_800_000
    /// How many bytes of a partition are kept; nil for any number.
    var retentionByteCount: Int64?
    /// How long the files of removed segments stay, in milliseconds, a day at most.
    var fileDeletionDelayMilliseconds: Int64 = 60_000
    /// How long a batch that nobody waits for may stay unsynced, in milliseconds.
    var flushMilliseconds: Int64 = 1000
    /// How many records that nobody waits for may stay unsynced.
    var flushRecordCount = Int64.max
}

/// How the logs of a data directory are run.
struct LogDirectorySettings: Sendable, Equatable {
    /// How many threads check and write batches; a partition belongs to one of them.
    var executorCount = 2
    /// How many jobs may wait for one of those threads.
    ///
    /// A connection has one request under way, with one job a partition: 1000 connections, 64
    /// partitions each.
    var queueCapacity = 64_000
    /// How many files are synced at a time; 16 files in parallel take as long as one (1.0–1.7 ms),
    /// one after another 57 ms (measured, ext4 on a virtual disk).
    var flushThreadCount = 16
    /// Free space under which batches are refused, so that SQLite and recovery still have some.
    var minimumFreeByteCount: Int64 = 256 << 20
    /// How often free space is looked at, in milliseconds.
    var freeSpaceCheckMilliseconds: Int64 = 500
    /// How often old records are looked for, in milliseconds.
    var retentionCheckMilliseconds: Int64 = 300_000
    /// After how many milliseconds without a batch a producer is forgotten.
    var producerExpirationMilliseconds: Int64 = 86_400_000
    /// Whether opening a log checks every byte of it, not only what may have been lost.
    var checksEverything = false
}
