import Foundation

/// One JSON object a line, as in the topic `interactions`.
///
/// Ids may be numbers; other keys are ignored.
struct JSONLinesFormat: LineFormat {
    let name = "jsonl"
    let unit: TimestampUnit
    /// Whether an event without `timestamp` is refused.
    let needsTimestamp: Bool

    /// The object's form.
    private struct Line: Decodable {
        var user: Text
        var item: Text
        var value: Double?
        var timestamp: Text?
        var id: Text?
    }

    /// A string, or a number as it was written.
    private struct Text: Decodable {
        var text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else if let number = try? container.decode(Int64.self) {
                text = "\(number)"
            } else if let number = try? container.decode(Double.self) {
                text = "\(number)"
            } else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: "is neither text nor a number"
                )
            }
        }
    }

    func interaction(in line: ArraySlice<UInt8>) throws(LineProblem) -> Interaction {
        let object = try decode(line)
        let user = try EventField.id(Array(object.user.text.utf8), "user")
        let item = try EventField.id(Array(object.item.text.utf8), "item")
        if let value = object.value, !value.isFinite {
            throw LineProblem("the value \(value) is no finite number")
        }
        var timestamp: Int64 = 0
        if let text = object.timestamp?.text {
            timestamp = try unit.milliseconds(text)
        } else if needsTimestamp {
            throw LineProblem("\"timestamp\" is missing")
        }
        var id: [UInt8]?
        if let text = object.id?.text { id = try EventField.id(Array(text.utf8), "id") }
        return Interaction(
            user: user,
            item: item,
            value: object.value,
            timestamp: timestamp,
            id: id
        )
    }

    private func decode(_ line: ArraySlice<UInt8>) throws(LineProblem) -> Line {
        do {
            return try JSONDecoder().decode(Line.self, from: Data(line))
        } catch DecodingError.keyNotFound(let key, _) {
            throw LineProblem("\"\(key.stringValue)\" is missing")
        } catch DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context)
        {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw LineProblem(
                key.isEmpty ? "this is no JSON object" : "\"\(key)\" has the wrong type"
            )
        } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw LineProblem("\"\(key)\" \(context.debugDescription)")
        } catch {
            throw LineProblem("this is not JSON: \(EventField.quoted(DelimitedFormat.text(line)))")
        }
    }
}
