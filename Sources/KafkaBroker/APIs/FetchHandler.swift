import KafkaWire
import NIOCore
import Synchronization

/// Reads record batches, waiting for new ones if the client wants that.
final class FetchHandler: RequestHandler {
    let key = APIKey.fetch
    let logs: TopicLogs
    let settings: BrokerSettings
    /// The memory of answers on their way.
    let answers: RequestMemory
    /// The fetches under way by their connections, which have one at most.
    private let pending = Mutex<[ObjectIdentifier: PendingFetch]>([:])
    /// Whether fetches are no longer to wait.
    private let isEnding = Atomic<Bool>(false)

    /// How many fetches are under way.
    var count: Int { pending.withLock(\.count) }

    init(logs: TopicLogs, settings: BrokerSettings, answers: RequestMemory) {
        self.logs = logs
        self.settings = settings
        self.answers = answers
    }

    func handle(_ request: Request, answer: @escaping @Sendable (Answer) -> Void) {
        let fetch: FetchRequest
        do {
            fetch = try request.frame.withReader { reader throws(WireError) in
                try FetchRequest(from: &reader, version: request.version)
            }
        } catch {
            return answer(.close(reason: error.description))
        }
        guard fetch.sessionID == 0 else {
            // Sessions are not kept: the client then asks in full, which costs it a few bytes.
            let response = FetchResponse(errorCode: .fetchSessionIDNotFound)
            return answer(request.answer(response, records: []))
        }
        let topics = fetch.topics.map { topic -> PendingFetch.Topic in
            let byID = request.version >= 13
            let partitions = topic.partitions.map { wanted in
                PendingFetch.Part(
                    wanted: wanted,
                    partition: byID
                        ? logs.partition(topic.id, wanted.index)
                        : logs.partition(topic.name, wanted.index)
                )
            }
            return PendingFetch.Topic(name: topic.name, id: topic.id, parts: partitions)
        }
        let fetching = PendingFetch(
            topics,
            fetch,
            unknownCode: request.version >= 13 ? .unknownTopicID : .unknownTopicOrPartition,
            maxBytes: min(Int(max(0, fetch.maxBytes)), settings.fetchMaxBytes),
            answers: answers,
            loop: request.eventLoop
        ) { [self] response, records in
            pending.withLock { _ = $0.removeValue(forKey: request.connection) }
            answer(request.answer(response, records: records))
        }
        pending.withLock { $0[request.connection] = fetching }
        fetching.begin()
        if isEnding.load(ordering: .sequentiallyConsistent) { fetching.endWait() }
    }

    /// Ends the wait of a fetch whose client has left.
    func clientLeft(_ request: Request) {
        pending.withLock { $0[request.connection] }?.endWait()
    }

    /// Has every fetch that waits answered with what there is, and those to come at once.
    func endWaits() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        for fetching in pending.withLock({ Array($0.values) }) { fetching.endWait() }
    }
}

extension Request {
    /// The answer to a Fetch, with the records of each partition that has some.
    func answer(_ response: FetchResponse, records: [ByteBuffer]) -> Answer {
        do throws(WireError) {
            let pieces = try response.encodeFrame(
                version: version,
                correlationID: header.correlationID
            )
            var buffers: [ByteBuffer] = []
            buffers.reserveCapacity(pieces.count + records.count)
            for (index, piece) in pieces.enumerated() {
                buffers.append(ByteBuffer(bytes: piece))
                if index < records.count { buffers.append(records[index]) }
            }
            return .buffers(buffers)
        } catch {
            return .close(reason: error.description)
        }
    }
}
