// What trainer and scorer do alike with what comes from a log.
import Foundation
import Learning
import Logging
import Streaming

extension RecordBatch {
    /// Lends the records at `indices`, in that order, as a learner or a model reads them.
    borrowing func withEncoded<Value>(
        _ indices: some RandomAccessCollection<Int>,
        _ body: (EncodedBatch) -> Value
    ) -> Value {
        let events = indices.map { EncodedEvent(records[$0]) }
        let (order, headers) = (Array(indices), headerReader)
        return events.withUnsafeBufferPointer { events in
            body(
                EncodedBatch(events) { index in
                    headers(order[index]).map { EventHeader(name: $0.name, value: $0.value) }
                }
            )
        }
    }
}

extension EncodedEvent {
    /// The record as a learner or a model reads it; its bytes stay those of its batch.
    fileprivate init(_ record: Record) {
        self.init(
            partition: record.partition,
            offset: record.offset,
            recordTimestamp: record.timestamp,
            key: record.key,
            value: record.value
        )
    }
}

extension Logger {
    /// Tells what a source or sink noticed; what a group assigns is the caller's to tell.
    func tell(_ notice: StreamNotice) {
        switch notice {
        case .disconnected(let text): warning("\(text); trying again")
        case .connected: info("connected to the broker")
        case .warning(let text): warning("\(text)")
        case .assigned, .revoked: break
        }
    }
}

/// The value of a call to the log, tried again while no broker answers; nil when told to stop.
func patiently<Value>(
    _ stop: StopSignal,
    waiting: () -> Void = {},
    _ call: () throws(StreamError) -> Value
) throws(PipelineError) -> Value? {
    while !stop.isSet {
        do throws(StreamError) {
            return try call()
        } catch {
            guard error.isTransient else { throw PipelineError(error) }
            waiting()
            Thread.sleep(forTimeInterval: 0.1)  // some errors come back at once
        }
    }
    return nil
}
