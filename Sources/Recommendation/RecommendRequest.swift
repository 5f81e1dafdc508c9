import Learning

/// A decoded request: `{"request", "user", "count"?, "exclude_seen"?, "candidates"?, "model"?}`.
struct RecommendRequest {
    /// Most items that can be asked for at once.
    static let maximumCount = 1000
    /// Most candidates in one request.
    static let maximumCandidateCount = 10_000
    /// The longest request, in bytes.
    static let maximumByteCount = 1 << 20

    /// The JSON text of `request`, to be given back as it came.
    var echo: [UInt8] = []
    var user: [UInt8] = []
    var count = 10
    var excludesSeen = true
    /// Nil: every item may be recommended.
    var candidates: [[UInt8]]?

    /// Why a request is refused, and the text of its `request` when that could be read.
    struct Refusal: Error {
        var echo: [UInt8]?
        var reason: String
    }

    /// Reads a request to the model of that name.
    init(_ event: EncodedEvent, model: String) throws(Refusal) {
        guard let bytes = event.value else {
            throw Refusal(reason: "the record has no value; expected \(Self.expected)")
        }
        guard bytes.count <= Self.maximumByteCount else {
            throw Refusal(
                reason: "the request has \(bytes.count) bytes; "
                    + "expected at most \(Self.maximumByteCount)"
            )
        }
        do {
            var reader = JSONReader(bytes)
            let kind = try reader.nextKind()
            guard kind == .object else {
                throw Refusal(
                    reason: "the request is a JSON \(kind.rawValue); expected \(Self.expected)"
                )
            }
            var whole = reader
            try whole.skipValue()
            try whole.finish()
            try read(&reader, model: model)
        } catch let refusal as Refusal {
            throw refusal
        } catch let failure as JSONReader.Failure {
            throw Refusal(
                reason: "the request \(Excerpt.quoted(bytes)) is not JSON: \(failure.message) at "
                    + "byte \(failure.position); expected \(Self.expected)"
            )
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }

    private static let expected = "{\"request\":…,\"user\":…}"
    private static let expectedID =
        "a string or an integer of 1 to \(InteractionEvents.maximumIDLength) bytes"

    /// Reads on after the first fault, so that the refusal can name the request.
    private mutating func read(_ reader: inout JSONReader, model: String) throws {
        var fault: String?
        var present: Set<[UInt8]> = []
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = String(decoding: key.prefix(20), as: UTF8.self)
            let isKnown = [
                "request", "user", "count", "exclude_seen", "candidates", "model",
            ].contains(name)
            if isKnown, !present.insert(key).inserted {
                fault = fault ?? "\(name) stands twice; expected it once"
            } else if isKnown {
                var ahead = reader
                do {
                    try readField(name, &ahead, model: model)
                } catch let refusal as Refusal {
                    fault = fault ?? refusal.reason
                }
            }
            try reader.skipValue()
        }
        let readableEcho = echo.isEmpty ? nil : echo
        if let fault { throw Refusal(echo: readableEcho, reason: fault) }
        guard let readableEcho else {
            throw Refusal(reason: "request is missing; expected \(Self.expectedID)")
        }
        guard !user.isEmpty else {
            throw Refusal(
                echo: readableEcho,
                reason: "user is missing; expected \(Self.expectedID)"
            )
        }
    }

    private mutating func readField(
        _ name: String,
        _ reader: inout JSONReader,
        model: String
    ) throws {
        let kind = try reader.nextKind()
        switch name {
        case "request":
            let id = try Self.readID(name, kind, &reader)
            if kind == .string { JSONText.append(id, to: &echo) } else { echo = id }
        case "user": user = try Self.readID(name, kind, &reader)
        case "count":
            let expected = "an integer from 1 to \(Self.maximumCount)"
            guard kind == .number else { throw Self.wrong(name, kind, expected) }
            let text = String(decoding: try reader.readNumber().prefix(40), as: UTF8.self)
            guard let number = Int(text), (1...Self.maximumCount).contains(number) else {
                throw Refusal(reason: "count is \(text); expected \(expected)")
            }
            count = number
        case "exclude_seen":
            guard kind == .boolean else { throw Self.wrong(name, kind, "true or false") }
            excludesSeen = try reader.readBoolean()
        case "candidates": candidates = try Self.readCandidates(kind, &reader)
        default:
            guard kind == .string else { throw Self.wrong(name, kind, "a string") }
            let asked = try reader.readString()
            guard asked.elementsEqual(model.utf8) else {
                throw Refusal(
                    reason: "model is \(Excerpt.quoted(asked)); expected \"\(model)\", "
                        + "the model served here"
                )
            }
        }
    }

    private static func readID(
        _ name: String,
        _ kind: JSONReader.Kind,
        _ reader: inout JSONReader
    ) throws -> [UInt8] {
        let id: [UInt8]
        switch kind {
        case .string: id = try reader.readString()
        case .number: id = Array(try reader.readNumber())
        default: throw wrong(name, kind, expectedID)
        }
        let isInteger = id.allSatisfy { $0 == UInt8(ascii: "-") || $0 &- UInt8(ascii: "0") < 10 }
        guard (1...InteractionEvents.maximumIDLength).contains(id.count),
            kind == .string || isInteger
        else {
            throw Refusal(reason: "\(name) is \(Excerpt.quoted(id)); expected \(expectedID)")
        }
        return id
    }

    private static func readCandidates(
        _ kind: JSONReader.Kind,
        _ reader: inout JSONReader
    ) throws -> [[UInt8]] {
        guard kind == .array else { throw wrong("candidates", kind, "an array of items") }
        var candidates: [[UInt8]] = []
        try reader.beginArray()
        while try reader.nextElement() {
            guard candidates.count < maximumCandidateCount else {
                throw Refusal(
                    reason: "candidates holds too many items; "
                        + "expected at most \(maximumCandidateCount)"
                )
            }
            candidates.append(try readID("a candidate", try reader.nextKind(), &reader))
        }
        return candidates
    }

    private static func wrong(
        _ name: String,
        _ kind: JSONReader.Kind,
        _ expected: String
    ) -> Refusal {
        Refusal(reason: "\(name) is a JSON \(kind.rawValue); expected \(expected)")
    }
}
