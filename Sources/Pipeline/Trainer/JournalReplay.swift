import ModelStore
import Streaming

/// Reads ranges of offsets from a log in a given order of partitions.
///
/// All partitions are read at once, so that records of one arrive while another's turn lasts; what
/// is early waits in a bounded buffer per partition. Owned by the trainer's thread.
struct JournalReplay {
    /// What `next` found.
    enum Step: ~Copyable {
        /// The next records, all of one range.
        case records(RecordBatch)
        /// Nothing came within the poll's wait.
        case waiting
        /// Every range has been read.
        case finished
    }

    private struct Buffered {
        var offset: Offset
        var timestamp: Int64
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [RecordHeader]

        /// Its bytes, and about what holding them costs.
        var byteCount: Int {
            (key?.count ?? 0) + (value?.count ?? 0) + headers.byteCount + 128
        }
    }

    /// Records of a partition in the order of their offsets.
    private struct Buffer {
        private var records: [Buffered] = []
        private var head = 0
        private(set) var byteCount = 0

        var isEmpty: Bool { head == records.count }

        mutating func append(_ record: Buffered) {
            records.append(record)
            byteCount += record.byteCount
        }

        /// Takes out the records of a range, and drops those before it, which belong to no range.
        mutating func take(_ range: ClosedRange<Offset>, maximumCount: Int) -> [Buffered] {
            var taken: [Buffered] = []
            while head < records.count, records[head].offset <= range.upperBound,
                taken.count < maximumCount
            {
                if records[head].offset >= range.lowerBound { taken.append(records[head]) }
                byteCount -= records[head].byteCount
                head += 1
            }
            if head > records.count / 2 {
                records.removeFirst(head)
                head = 0
            }
            return taken
        }
    }

    /// Bytes waiting per partition before it is paused; a batch more may come.
    private static let bufferLimit = 16 << 20

    private let entries: [OffsetRange]
    private let source: any RecordSource
    private let batchSize: Int
    private var entryIndex = 0
    private var nextOffset: Offset
    private var buffers: [TopicPartition: Buffer] = [:]
    private var paused: Set<TopicPartition> = []

    init(entries: [OffsetRange], source: any RecordSource, batchSize: Int) {
        self.entries = entries
        self.source = source
        self.batchSize = batchSize
        nextOffset = entries.first?.first ?? 0
    }

    /// Begins to read every partition of the ranges at its first offset.
    mutating func begin() throws(PipelineError) {
        var positions: [TopicPartition: Offset] = [:]
        for entry in entries {
            let partition = TopicPartition(topic: entry.topic, partition: entry.partition)
            positions[partition] = min(positions[partition] ?? entry.first, entry.first)
        }
        try log(try source.assign(positions))
    }

    /// The next records in the order of the ranges.
    mutating func next() throws(PipelineError) -> Step {
        guard entryIndex < entries.count else { return .finished }
        let entry = entries[entryIndex]
        let partition = TopicPartition(topic: entry.topic, partition: entry.partition)
        if buffers[partition]?.isEmpty ?? true { try fill(waitingFor: partition) }
        let records = buffers[partition, default: Buffer()].take(
            nextOffset...entry.last,
            maximumCount: batchSize
        )
        guard let last = records.last else {
            // A record beyond the range says that nothing more of the range will come.
            let isBeyond = (source.reachedEnd(of: partition) ?? 0) > entry.last
            if isBeyond || !(buffers[partition]?.isEmpty ?? true) { advance() }
            return .waiting
        }
        nextOffset = last.offset + 1
        if nextOffset > entry.last { advance() }
        return .records(batch(of: records, partition: partition))
    }

    private mutating func advance() {
        entryIndex += 1
        if entryIndex < entries.count { nextOffset = entries[entryIndex].first }
    }

    private mutating func fill(waitingFor wanted: TopicPartition) throws(PipelineError) {
        if paused.remove(wanted) != nil {
            try log(try source.resume([wanted]))
        }
        let batch = try log(try source.poll(maximumCount: batchSize, timeout: .milliseconds(20)))
        for (index, record) in batch.records.enumerated() {
            let partition = TopicPartition(
                topic: source.topics[Int(record.topicIndex)],
                partition: record.partition
            )
            buffers[partition, default: Buffer()].append(
                Buffered(
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.map(Array.init),
                    value: record.value.map(Array.init),
                    headers: batch.headers(at: index)
                )
            )
        }
        let full = buffers.filter { $0.value.byteCount >= Self.bufferLimit && $0.key != wanted }
            .keys
        let toPause = full.filter { !paused.contains($0) }.sorted()
        if !toPause.isEmpty {
            paused.formUnion(toPause)
            try log(try source.pause(toPause))
        }
    }

    /// A batch that owns copies of its records' bytes.
    private func batch(of records: [Buffered], partition: TopicPartition) -> RecordBatch {
        let topicIndex = Int32(source.topics.firstIndex(of: partition.topic) ?? 0)
        var allocations: [UnsafeMutableRawBufferPointer] = []
        func copy(_ bytes: [UInt8]?) -> UnsafeRawBufferPointer? {
            guard let bytes else { return nil }
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: bytes.count,
                alignment: 1
            )
            memory.copyBytes(from: bytes)
            allocations.append(memory)
            return UnsafeRawBufferPointer(memory)
        }
        let borrowed = records.map { record in
            Record(
                topicIndex: topicIndex,
                partition: partition.partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: copy(record.key),
                value: copy(record.value)
            )
        }
        let owned = allocations
        return RecordBatch(
            records: borrowed,
            headers: { records[$0].headers },
            release: { owned.forEach { $0.deallocate() } }
        )
    }
}
