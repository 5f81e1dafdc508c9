import KafkaWire

/// Transactions: who may write in one, and how each ends in this partition.
extension PartitionLog {
    /// The first offset of the oldest open transaction, or the end of the log: what lies before it
    /// is decided.
    var lastStable: Int64 {
        let first = active.index.transactions.open.first?.firstOffset
        return max(logStart, first ?? endOffset)
    }

    /// Lets a producer write transactionally, in this epoch only, until its transaction ends.
    func beginTransaction(producerID: Int64, epoch: Int16) -> ErrorCode {
        if isDeleted { return .unknownTopicOrPartition }
        if let known = producers.producers[producerID], epoch < known.epoch {
            return .invalidProducerEpoch
        }
        permissions[producerID] = epoch
        return .none
    }

    /// Whether a new batch may be written as far as transactions are concerned (rule 6 of
    /// section 3.6).
    func checkTransaction(_ header: RecordBatchHeader) throws(BrokerError) {
        guard header.producerID >= 0 || header.isTransactional else { return }
        let producer = "producer \(header.producerID)"
        let permission = permissions[header.producerID]
        guard header.isTransactional else {
            let isOpen = active.index.transactions.start(of: header.producerID) != nil
            if permission == nil, !isOpen { return }
            throw BrokerError(.invalidTransactionState, "\(producer) is in a transaction here")
        }
        guard let permission else {
            throw BrokerError(.invalidTransactionState, "\(producer) has no transaction here")
        }
        guard permission == header.producerEpoch else {
            let problem = "\(producer) has a transaction of epoch \(permission) here"
            throw BrokerError(.invalidProducerEpoch, problem)
        }
    }

    /// Writes the marker that ends a producer's transaction here; what follows needs a new one.
    ///
    /// - Parameters:
    ///   - marker: How it ends.
    ///   - onlyIfOpen: Whether to write it only if the producer wrote something since the last.
    ///   - completion: Called once, when the marker is on stable storage or cannot be written;
    ///     at once or on a disk thread.
    func endTransaction(
        _ marker: TransactionMarker,
        onlyIfOpen: Bool,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        do throws(BrokerError) {
            try checkWritable()
            permissions[marker.producerID] = nil
            let isOpen = active.index.transactions.start(of: marker.producerID) != nil
            let epoch = producers.producers[marker.producerID]?.epoch ?? marker.producerEpoch
            guard isOpen || !onlyIfOpen, isOpen || marker.producerEpoch >= epoch else {
                return completion(.none)
            }
            guard marker.producerEpoch >= epoch else { return completion(.invalidProducerEpoch) }
            let now = environment.now()
            let (header, records) = marker.batch(at: now)
            try records.withUnsafeBytes { records in
                Result { () throws(BrokerError) in _ = try store(header, records, now) }
            }.get()
        } catch {
            return completion(error.errorCode)
        }
        progress.whenSynced(upTo: endOffset) { completion($0?.errorCode ?? .none) }
    }

    /// The transactions that are open here, in the order of their first offsets.
    var openTransactions: [OpenTransaction] {
        active.index.transactions.open.map { open in
            // Not remembered only if both its records and every snapshot are gone.
            let epoch = producers.producers[open.producerID]?.epoch ?? 0
            return OpenTransaction(
                partition: id,
                producer: ProducerIdentity(id: open.producerID, epoch: epoch),
                firstOffset: open.firstOffset
            )
        }
    }

    /// The producers that are remembered, in the order of their ids.
    func describeProducers() -> [ActiveProducer] {
        producers.producers.sorted { $0.key < $1.key }.map { id, producer in
            ActiveProducer(
                producerID: id,
                producerEpoch: producer.epoch,
                lastSequence: producer.batches.last?.lastSequence ?? -1,
                lastTimestamp: producer.batches.last?.timestamp ?? -1,
                transactionStart: active.index.transactions.start(of: id)
            )
        }
    }

    /// The aborted transactions that a reader of committed records has to know for a range
    /// (rule 6 of section 3.3), in the order of their first offsets.
    func abortedTransactions(
        from offset: Int64,
        below end: Int64
    ) -> [FetchResponse.AbortedTransaction] {
        var found: [SegmentTransactions.Aborted] = []
        for segment in segments[segmentIndex(of: offset)...] {
            let transactions = segment.index.transactions
            found += transactions.aborted.filter {
                $0.lastOffset >= offset && $0.firstOffset < end
            }
            // What ends in later segments is open here, or begins there.
            if transactions.open.first?.firstOffset ?? segment.nextOffset >= end { break }
        }
        return found.sorted { $0.firstOffset < $1.firstOffset }.map {
            .init(producerID: $0.producerID, firstOffset: $0.firstOffset)
        }
    }
}
