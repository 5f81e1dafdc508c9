import Foundation
import TextRecognition

/// An answer of a scorer that reads, as on `text-predictions`.
struct TextPrediction: Codable, Equatable {
    var request: String?
    var text: String?
    var confidence: Double?
    /// How sure each character is.
    var characters: [Double]?
    /// Whether the text is of the form that was asked for; nil when none was.
    var valid: Bool?
    /// What was found in a photograph of cards; nil for a line.
    var cards: [Card]?
    var error: String?
    var model: String?
    var version: Int64?
    var sequence: Int64?
    var watermark: Int64?
    var position: Int64?

    /// The answer in bytes; nil when they are none.
    init?(bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            return nil
        }
        self = value
    }

    /// What a version reads, without a request.
    init(_ reading: Reading, format: FieldFormat?, model: String, version: Int64) {
        text = reading.text
        confidence = reading.confidence
        characters = reading.characterConfidences
        valid = format == nil ? nil : reading.isValid
        self.model = model
        self.version = version
    }

    /// A refusal.
    init(error: String) { self.error = error }

    /// How sure the text is, or why there is none.
    var remark: String {
        if let error { return "not read: \(error)" }
        let percent = Self.percent(confidence ?? 0)
        return valid == false ? "\(percent), not of the form asked for" : percent
    }

    static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    /// The answer on one line.
    var summary: String {
        let read = error == nil ? cardSummary : nil
        return "\(request ?? "?"): \(read ?? "\(text ?? "")  (\(remark))")  "
            + "[model \(model ?? "?") version \(version ?? 0) sequence \(sequence ?? 0)]"
    }
}
