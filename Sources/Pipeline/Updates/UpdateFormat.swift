import Foundation
import Streaming

/// How an update travels: one record per part, identity in the headers, payload in the value.
///
/// Headers (UTF-8 text): `kind` (`delta` or `checkpoint`), `epoch`, `sequence`, `previous`,
/// `watermark`, `position`, `part` and `parts` (a payload over `partByteCount` is cut), `hash` of
/// the update, `origin`, `trainer`.
/// The value of a delta is a safetensors file, that of a checkpoint announcement is JSON.
enum UpdateFormat {
    /// Stays below Kafka's default `message.max.bytes` of 1,000,012 with its headers.
    static let partByteCount = 900_000

    /// Bound on what a reader assembles: 4096 parts are 3.4 GiB.
    static let maximumPartCount = 4096

    static func payload(of content: UpdateContent) -> [UInt8] {
        switch content {
        case .delta(let bytes):
            return bytes
        case .checkpoint(let announcement):
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            // Encoding four integers and a string into memory cannot fail.
            return (try? encoder.encode(announcement)).map(Array.init) ?? []
        }
    }

    /// The records that carry an update, in the order in which they must be sent.
    static func records(of update: ModelUpdate, topic: String, partition: Int32) -> [OutgoingRecord]
    {
        let payload = payload(of: update.content)
        let partCount = max(1, (payload.count + partByteCount - 1) / partByteCount)
        return (0..<partCount).map { part in
            let start = part * partByteCount
            let end = min(payload.count, start + partByteCount)
            return OutgoingRecord(
                topic: topic,
                partition: partition,
                key: Array(update.identity.model.utf8),
                value: Array(payload[start..<end]),
                headers: headers(of: update, part: part, partCount: partCount)
            )
        }
    }

    private static func headers(
        of update: ModelUpdate,
        part: Int,
        partCount: Int
    ) -> [RecordHeader] {
        let identity = update.identity
        let kind =
            switch update.content {
            case .delta: "delta"
            case .checkpoint: "checkpoint"
            }
        return [
            RecordHeader(name: "kind", text: kind),
            RecordHeader(name: "epoch", text: String(identity.epoch)),
            RecordHeader(name: "sequence", text: String(identity.sequence)),
            RecordHeader(name: "previous", text: identity.previous),
            RecordHeader(name: "watermark", text: String(identity.watermark)),
            RecordHeader(name: "position", text: String(identity.position)),
            RecordHeader(name: "part", text: String(part)),
            RecordHeader(name: "parts", text: String(partCount)),
            RecordHeader(name: "hash", text: update.hash),
            RecordHeader(name: "origin", text: update.origin),
            RecordHeader(name: "trainer", text: update.trainer),
        ]
    }
}

/// One part of an update as it was read: headers understood, payload not yet.
struct UpdatePart {
    var kind: String
    var identity: UpdateIdentity
    var part: Int
    var partCount: Int
    var hash: String
    var origin: String
    var trainer: String
    var payload: [UInt8]

    /// Reads a record of `model-updates`.
    ///
    /// Throws when it is not a part of an update.
    init(key: [UInt8], headers: [RecordHeader], payload: [UInt8]) throws(PipelineError) {
        var texts: [String: String] = [:]
        for header in headers {
            texts[header.name] = header.value.flatMap { String(validating: $0, as: UTF8.self) }
        }
        func text(_ name: String) throws(PipelineError) -> String {
            guard let text = texts[name] else {
                throw Self.refusal("header \"\(name)\" is missing")
            }
            return text
        }
        func number(_ name: String) throws(PipelineError) -> Int64 {
            let text = try text(name)
            guard let number = Int64(text) else {
                throw Self.refusal("header \"\(name)\" is \"\(text.prefix(40))\", not a number")
            }
            return number
        }
        guard let model = String(validating: key, as: UTF8.self) else {
            throw Self.refusal("the key is not UTF-8")
        }
        kind = try text("kind")
        identity = UpdateIdentity(
            model: model,
            epoch: try number("epoch"),
            sequence: try number("sequence"),
            previous: try text("previous"),
            watermark: try number("watermark"),
            position: try number("position")
        )
        hash = try text("hash")
        origin = try text("origin")
        trainer = try text("trainer")
        part = Int(clamping: try number("part"))
        partCount = Int(clamping: try number("parts"))
        guard (1...UpdateFormat.maximumPartCount).contains(partCount),
            (0..<partCount).contains(part)
        else { throw Self.refusal("part \(part) of \(partCount) is out of range") }
        self.payload = payload
    }

    /// The update whose whole payload is `payload`.
    ///
    /// Throws when its hash does not match.
    func update(payload: [UInt8]) throws(PipelineError) -> ModelUpdate {
        let content: UpdateContent
        switch kind {
        case "delta":
            content = .delta(payload)
        case "checkpoint":
            let decoder = JSONDecoder()
            guard
                let announcement = try? decoder.decode(
                    CheckpointAnnouncement.self,
                    from: Data(payload)
                )
            else { throw Self.refusal("the checkpoint announcement is not the JSON expected") }
            content = .checkpoint(announcement)
        default:
            throw Self.refusal("kind \"\(kind.prefix(40))\" is unknown")
        }
        let update = try ModelUpdate(
            identity: identity,
            content: content,
            origin: origin,
            trainer: trainer
        )
        guard update.hash == hash else {
            throw Self.refusal("update \(identity.epoch)/\(identity.sequence) is damaged")
        }
        return update
    }

    private static func refusal(_ message: String) -> PipelineError {
        PipelineError(
            .update,
            "a record on the topic of model updates cannot be used: \(message)",
            remedy: "only a Freshet trainer may write there; the scorer goes on from the store"
        )
    }
}

/// Puts the parts of updates together.
///
/// Parts of one update follow one another in its partition.
struct UpdateAssembler {
    private var parts: [UpdatePart] = []

    /// The update that `part` completes; nil while parts are missing.
    ///
    /// A part that does not follow the one before it starts again from there: reading may begin in
    /// the middle of an update, and a trainer may die in the middle of one.
    mutating func add(_ part: UpdatePart) throws(PipelineError) -> ModelUpdate? {
        if part.part == 0 {
            parts = []
        } else {
            guard let last = parts.last, last.hash == part.hash, last.part + 1 == part.part else {
                parts = []
                return nil
            }
        }
        parts.append(part)
        guard part.part + 1 == part.partCount else { return nil }
        let payload = parts.count == 1 ? part.payload : parts.flatMap(\.payload)
        parts = []
        return try part.update(payload: payload)
    }
}
