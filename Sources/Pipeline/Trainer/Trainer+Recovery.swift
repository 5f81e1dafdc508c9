import Learning
import Logging
import ModelStore
import Streaming

extension Trainer {
    /// Takes the next epoch, restores the newest complete version, learns again what the journal
    /// holds after it, and publishes the result as the first version of the epoch.
    ///
    /// Returns false when told to stop meanwhile.
    func recover() throws(PipelineError) -> Bool {
        post()
        guard let inputs = try connect() else { return false }
        status.phase = .recovering
        let epoch = try store(try modelStore.beginEpoch(model: settings.model))
        try restoreNewestVersion()
        guard try replayJournal() else { return false }
        let readFrom = try log(
            try source.watermarks(of: settings.updatesLog, timeout: .seconds(30)).end
        )
        publisher = UpdatePublisher(
            model: settings.model,
            epoch: epoch,
            log: settings.updatesLog,
            sink: sink,
            readFrom: readFrom
        )
        _ = learner.takeDelta()
        try checkpointNow()
        try assign(inputs)
        return true
    }

    /// The partitions of all inputs, once a broker answers and every topic is there; nil when told
    /// to stop before.
    private func connect() throws(PipelineError) -> [TopicPartition]? {
        while !stop.isSet {
            do throws(StreamError) {
                var partitions: [TopicPartition] = []
                for topic in settings.inputs {
                    partitions += try source.partitions(of: topic, timeout: .seconds(2))
                }
                for topic in [settings.updatesTopic, settings.deadLettersTopic] {
                    _ = try source.partitions(of: topic, timeout: .seconds(2))
                }
                return partitions
            } catch {
                guard error.isRetriable || error.kind == .unreachable || error.kind == .timedOut
                else { throw PipelineError(error) }
                report(source.takeNotices())
            }
        }
        return nil
    }

    private func restoreNewestVersion() throws(PipelineError) {
        let damaged = try store(try modelStore.damagedVersions(of: settings.model))
        for version in damaged {
            logger.warning("version \(version.version.number) is skipped: \(version.problem)")
        }
        let newest = try store(try modelStore.newestVersion(of: settings.model))
        guard let newest else { return }
        if newest.settings != settingsText {
            logger.warning(
                "settings differ from those of version \(newest.number)",
                metadata: ["then": "\(newest.settings)", "now": "\(settingsText)"]
            )
        }
        let bytes = try store(try modelStore.readBlob(newest.blob))
        learner = try learning(
            try Model(settings: learnerSettings, state: try Safetensors.decode(bytes).tensors)
        )
        journalPosition = newest.journalPosition
        watermark = newest.watermark
        eventsAtCheckpoint = newest.eventCount
        for next in newest.nextOffsets {
            status.positions[TopicPartition(topic: next.topic, partition: next.partition)] =
                next.offset
        }
        logger.info("restored version \(newest.number): \(newest.eventCount) events learned")
    }

    /// Learns the journal's entries after the restored version again, in their order.
    ///
    /// Returns false when told to stop meanwhile.
    private func replayJournal() throws(PipelineError) -> Bool {
        let entries = try store(try modelStore.journal(of: settings.model, from: journalPosition))
        guard !entries.isEmpty else { return true }
        var replay = JournalReplay(
            entries: entries.map(\.range),
            source: source,
            batchSize: settings.batchSize
        )
        try replay.begin()
        while !stop.isSet {
            report(source.takeNotices())
            switch try replay.next() {
            case .waiting: continue
            case .finished:
                logger.info("learned \(status.replayedRecords) records again from the journal")
                return true
            case .records(let batch): try learn(batch, isReplay: true)
            }
            post()
        }
        return false
    }

    /// Reads on from the model's positions; partitions it has never read begin as configured.
    private func assign(_ partitions: [TopicPartition]) throws(PipelineError) {
        for partition in partitions {
            let (first, end) = try log(try source.watermarks(of: partition, timeout: .seconds(30)))
            guard let position = status.positions[partition] else {
                status.positions[partition] = settings.start == .earliest ? first : end
                continue
            }
            guard position >= first, position <= end else {
                throw PipelineError(
                    .log,
                    "model \"\(settings.model)\" has learned \(partition) up to offset \(position), "
                        + "but its log now holds offsets \(first) to \(end)",
                    remedy: "the topic was deleted, emptied or cut by retention: restore it, or "
                        + "train under a new model name"
                )
            }
        }
        try log(try source.assign(status.positions))
    }

    /// Reads partitions that were added since the last look, from their beginning.
    func assignNewPartitions() throws(PipelineError) {
        var added = false
        for topic in settings.inputs {
            // A broker that does not answer now will answer at the next look.
            let partitions = (try? source.partitions(of: topic, timeout: .seconds(1))) ?? []
            for partition in partitions where status.positions[partition] == nil {
                logger.info("partition \(partition) is new")
                status.positions[partition] = 0
                added = true
            }
        }
        guard added else { return }
        try log(try source.assign(status.positions))
    }

    /// The end of each input partition now.
    func endOfInputs() throws(PipelineError) -> [TopicPartition: Offset] {
        var ends: [TopicPartition: Offset] = [:]
        for partition in status.positions.keys.sorted() {
            ends[partition] = try log(
                try source.watermarks(of: partition, timeout: .seconds(30)).end
            )
        }
        return ends
    }
}
