import Learning

/// Decodes interactions: `{"user", "item", "value"?, "timestamp", "id"?}` in any order, other keys
/// ignored.
///
/// Ids are strings or integers and become their text.
struct InteractionDecoder {
    private let settings: RecommenderSettings
    private let hashSeed: UInt64

    init(settings: RecommenderSettings) {
        self.settings = settings
        hashSeed = IDTable.hashSeed(settings.seed)
    }

    /// Decodes all events into `events`, which is emptied first.
    func decode(
        _ encoded: EncodedBatch,
        into events: inout InteractionEvents,
        rejections: inout [Rejection]
    ) {
        events.removeAll()
        for index in encoded.indices {
            let event = encoded[index]
            if let value = event.value, let fields = InteractionScanner.scan(value),
                accepts(timestamp: fields.timestamp, of: event), accepts(value: fields.value)
            {
                events.append(
                    user: fields.user,
                    item: fields.item,
                    value: Float(fields.value ?? 1),
                    timestamp: fields.timestamp,
                    identity: fields.id.isEmpty ? .none : EventIdentity(fields.id),
                    of: event,
                    hashSeed: hashSeed
                )
            } else if let reason = decodeSlowly(event, into: &events) {
                rejections.append(Rejection(index: index, reason: reason))
            }
        }
    }

    // MARK: - The slow way

    private struct Fields {
        var user: [UInt8]?
        var item: [UInt8]?
        var timestamp: Int64?
        var value: Double?
        var identity = EventIdentity.none
        var present: Set<[UInt8]> = []
    }

    /// Why an event is refused.
    private struct Refusal: Error {
        var reason: String
    }

    /// Decodes one event whatever it looks like; returns why not, or nil.
    private func decodeSlowly(
        _ event: EncodedEvent,
        into events: inout InteractionEvents
    ) -> String? {
        guard let bytes = event.value else {
            return "the record has no value (a tombstone); expected \(Self.expected)"
        }
        do {
            var reader = JSONReader(bytes)
            let fields = try read(&reader)
            guard let user = fields.user else { throw Self.missing("user", Self.expectedID) }
            guard let item = fields.item else { throw Self.missing("item", Self.expectedID) }
            guard let timestamp = fields.timestamp else {
                throw Self.missing("timestamp", Self.expectedTimestamp)
            }
            try check(timestamp: timestamp, of: event)
            try check(value: fields.value)
            user.withUnsafeBytes { user in
                item.withUnsafeBytes { item in
                    events.append(
                        user: user,
                        item: item,
                        value: Float(fields.value ?? 1),
                        timestamp: timestamp,
                        identity: fields.identity,
                        of: event,
                        hashSeed: hashSeed
                    )
                }
            }
            return nil
        } catch let refusal as Refusal {
            return refusal.reason
        } catch let failure as JSONReader.Failure {
            return "the value \(Excerpt.quoted(bytes)) is not JSON: \(failure.message) at byte "
                + "\(failure.position); expected \(Self.expected)"
        } catch {
            return "\(error)"
        }
    }

    private static let expected = "{\"user\":…,\"item\":…,\"timestamp\":…}"
    private static let expectedID =
        "a string or an integer of 1 to \(InteractionEvents.maximumIDLength) bytes"
    private static let expectedTimestamp = "an integer, milliseconds since 1970"

    private static func missing(_ field: String, _ expected: String) -> Refusal {
        Refusal(reason: "\(field) is missing; expected \(expected)")
    }

    private func read(_ reader: inout JSONReader) throws -> Fields {
        let kind = try reader.nextKind()
        guard kind == .object else {
            throw Refusal(reason: "the value is a JSON \(kind.rawValue); expected \(Self.expected)")
        }
        // The whole text must be JSON before a field can be blamed.
        var whole = reader
        try whole.skipValue()
        try whole.finish()
        var fields = Fields()
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = String(decoding: key.prefix(10), as: UTF8.self)
            switch name {
            case "user", "item", "timestamp", "value", "id":
                guard fields.present.insert(key).inserted else {
                    throw Refusal(reason: "\(name) stands twice; expected it once")
                }
                try readField(name, &reader, into: &fields)
            default: try reader.skipValue()
            }
        }
        return fields
    }

    private func readField(
        _ name: String,
        _ reader: inout JSONReader,
        into fields: inout Fields
    ) throws {
        switch name {
        case "user": fields.user = try readID(name, &reader)
        case "item": fields.item = try readID(name, &reader)
        case "timestamp": fields.timestamp = try readTimestamp(&reader)
        case "value" where try reader.nextKind() != .null: fields.value = try readValue(&reader)
        case "id" where try reader.nextKind() != .null:
            fields.identity = try readID(name, &reader).withUnsafeBytes { EventIdentity($0) }
        default: try reader.skipValue()  // an optional field that is null is absent
        }
    }

    private func readID(_ name: String, _ reader: inout JSONReader) throws -> [UInt8] {
        let id: [UInt8]
        switch try reader.nextKind() {
        case .string: id = try reader.readString()
        case .number:
            let text = try reader.readNumber()
            guard Self.isInteger(text) else {
                throw Self.wrong(
                    name,
                    String(decoding: text.prefix(40), as: UTF8.self),
                    Self.expectedID
                )
            }
            id = Array(text)
        case let kind: throw Self.wrong(name, "a JSON \(kind.rawValue)", Self.expectedID)
        }
        guard (1...InteractionEvents.maximumIDLength).contains(id.count) else {
            throw Self.wrong(name, Excerpt.quoted(id), Self.expectedID)
        }
        return id
    }

    private func readTimestamp(_ reader: inout JSONReader) throws -> Int64 {
        let kind = try reader.nextKind()
        guard kind == .number else {
            let shown =
                kind == .string
                ? Excerpt.quoted(try reader.readString()) : "a JSON \(kind.rawValue)"
            throw Self.wrong("timestamp", shown, Self.expectedTimestamp)
        }
        let text = String(decoding: try reader.readNumber().prefix(60), as: UTF8.self)
        guard let timestamp = Int64(text) else {
            throw Self.wrong("timestamp", text, Self.expectedTimestamp)
        }
        return timestamp
    }

    private func readValue(_ reader: inout JSONReader) throws -> Double {
        let kind = try reader.nextKind()
        guard kind == .number else {
            let shown =
                kind == .string
                ? Excerpt.quoted(try reader.readString()) : "a JSON \(kind.rawValue)"
            throw Self.wrong("value", shown, "a finite number")
        }
        let bytes = try reader.readNumber()
        guard let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else {
            throw Self.wrong(
                "value",
                String(decoding: bytes.prefix(40), as: UTF8.self),
                "a finite number"
            )
        }
        return value
    }

    private static func isInteger(_ text: UnsafeRawBufferPointer) -> Bool {
        text.allSatisfy { $0 == UInt8(ascii: "-") || $0 &- UInt8(ascii: "0") < 10 }
    }

    private static func wrong(_ field: String, _ shown: String, _ expected: String) -> Refusal {
        Refusal(reason: "\(field) is \(shown); expected \(expected)")
    }

    // MARK: - Limits

    /// The end of the year 9999, so that sums of times cannot overflow.
    private static let latestTimestamp: Int64 = 253_402_300_799_999

    private func accepts(timestamp: Int64, of event: EncodedEvent) -> Bool {
        guard (0...Self.latestTimestamp).contains(timestamp) else { return false }
        guard event.recordTimestamp >= 0 else { return true }
        let latest = event.recordTimestamp
            .addingReportingOverflow(settings.maximumFutureMilliseconds)
        return latest.overflow || timestamp <= latest.partialValue
    }

    private func accepts(value: Double?) -> Bool {
        guard settings.feedback == .explicit else { return true }
        guard let value else { return false }
        return abs(value) <= settings.explicit.maximumMagnitude
    }

    private func check(timestamp: Int64, of event: EncodedEvent) throws {
        guard !accepts(timestamp: timestamp, of: event) else { return }
        guard (0...Self.latestTimestamp).contains(timestamp) else {
            throw Self.wrong(
                "timestamp",
                "\(timestamp)",
                "0 to \(Self.latestTimestamp), milliseconds since 1970"
            )
        }
        throw Self.wrong(
            "timestamp",
            "\(timestamp)",
            "at most \(settings.maximumFutureMilliseconds) ms after \(event.recordTimestamp), "
                + "when the record was appended"
        )
    }

    private func check(value: Double?) throws {
        guard !accepts(value: value) else { return }
        let limit = settings.explicit.maximumMagnitude
        let expected = "a rating from \(-limit) to \(limit)"
        guard let value else { throw Self.missing("value", expected) }
        throw Self.wrong("value", "\(value)", expected)
    }
}
