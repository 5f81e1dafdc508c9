import Foundation

/// A design of cards: where its fields are and what they hold, in parts of the card's sides.
///
/// docs/cards.md describes the file.
public struct CardTemplate: Sendable, Equatable {
    /// An upright rectangle, from 0 to 1 along both sides of the card.
    public struct Box: Sendable, Equatable {
        /// The left edge.
        public var x: Double
        /// The upper edge.
        public var y: Double
        /// From the left edge to the right one.
        public var width: Double
        /// From the upper edge to the lower one.
        public var height: Double

        /// The corners on a card of a size in pixels.
        func quad(_ cardWidth: Double, _ cardHeight: Double) -> Quad {
            Quad(
                x: x * cardWidth,
                y: y * cardHeight,
                width: width * cardWidth,
                height: height * cardHeight
            )
        }
    }

    /// What a field holds that follows from the card's holder.
    public enum Content: String, Sendable, CaseIterable, Decodable {
        /// Parts of the name.
        case surname, givenNames = "given-names", fullName = "full-name"
        /// Days.
        case birthDate = "birth-date", expiryDate = "expiry-date"
        /// F, M or X, and a code of three letters.
        case sex, state
        /// The three lines of 30 characters that machines read.
        case zone1 = "zone-1", zone2 = "zone-2", zone3 = "zone-3"
        /// The two lines of 44 characters in a passport.
        case passportZone1 = "passport-zone-1", passportZone2 = "passport-zone-2"
    }

    /// Kinds of fonts.
    public enum Font: String, Sendable, CaseIterable, Decodable {
        /// Without serifs, or with, as the design has it.
        case text
        /// Of one width.
        case mono
        /// OCR-B.
        case machine
    }

    /// A place for a text.
    public struct Field: Sendable, Equatable {
        /// What it is called.
        public var name: String
        /// Where it is.
        public var box: Box
        /// What is printed above it, or beside it.
        public var label: String?
        /// Whether the label is to the left.
        public var isLabelBeside: Bool
        /// What it holds; nil when it has a pattern.
        public var content: Content?
        /// How its texts are built; nil when it has a content.
        public var pattern: FieldPattern?
        /// A character behind what the pattern makes.
        public var check: CheckDigit?
        /// What it is printed in.
        public var font: Font
        /// In which way a day is written, from 0 to 5.
        public var style: Int
    }

    /// What it is called.
    public var name: String
    /// What is printed at the top, in one or more lines.
    public var title: [String]
    /// Width divided by height.
    public var aspect: Double
    /// Where the holder's photograph is.
    public var photo: Box?
    /// Its fields, with different names.
    public var fields: [Field]

    /// Reads a template file.
    ///
    /// - Throws: When it is no template, naming the key.
    public init(json bytes: [UInt8]) throws(TextRecognitionError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch let error as TextRecognitionError {
            throw error
        } catch let error as DecodingError {
            throw Self.failure(error.place, error.reason)
        } catch {
            throw Self.failure("", "\(error)")
        }
    }

    fileprivate static func failure(_ place: String, _ what: String) -> TextRecognitionError {
        TextRecognitionError(
            .setting,
            "the template is wrong\(place.isEmpty ? "" : " at \(place)"): \(what)",
            remedy: "correct the file; docs/cards.md describes it"
        )
    }
}

extension CardTemplate: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case name, title, aspect, photo, fields }

    /// Reads a template of a decoder; unknown keys are errors.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(Key.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: Key.self)
        name = try values.decode(String.self, forKey: .name)
        title = try values.decodeIfPresent([String].self, forKey: .title) ?? []
        aspect = try values.decode(Double.self, forKey: .aspect)
        photo = try values.decodeIfPresent(Box.self, forKey: .photo)
        fields = try values.decode([Field].self, forKey: .fields)
        guard (1.0...3).contains(aspect) else {
            throw Self.failure("aspect", "it is \(aspect), expected 1 to 3")
        }
        guard (1...64).contains(fields.count) else {
            throw Self.failure("fields", "there are \(fields.count), expected 1 to 64")
        }
        guard title.count <= 3, (title + fields.compactMap(\.label)).allSatisfy({ $0.count <= 64 })
        else { throw Self.failure("title", "at most 3 lines, and no text of over 64 characters") }
        var names: Set<String> = []
        for field in fields where !names.insert(field.name).inserted {
            throw Self.failure("fields", "two are called \"\(field.name)\"")
        }
    }
}

extension CardTemplate.Field: Decodable {
    private enum Key: String, CodingKey, CaseIterable {
        case name, box, label, content, pattern, check, font, style
        case isLabelBeside = "label-beside"
    }

    /// Reads a field of a decoder; unknown keys are errors.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(Key.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: Key.self)
        name = try values.decode(String.self, forKey: .name)
        box = try values.decode(CardTemplate.Box.self, forKey: .box)
        label = try values.decodeIfPresent(String.self, forKey: .label)
        isLabelBeside = try values.decodeIfPresent(Bool.self, forKey: .isLabelBeside) ?? false
        content = try values.decodeIfPresent(CardTemplate.Content.self, forKey: .content)
        pattern = try values.decodeIfPresent(String.self, forKey: .pattern).map { text in
            try FieldPattern(text)
        }
        check = try values.decodeIfPresent(CheckDigit.self, forKey: .check)
        font = try values.decodeIfPresent(CardTemplate.Font.self, forKey: .font) ?? .text
        style = try values.decodeIfPresent(Int.self, forKey: .style) ?? 0
        guard (content == nil) != (pattern == nil) else {
            throw CardTemplate.failure("field \"\(name)\"", "it needs a pattern or a content")
        }
        guard check == nil || pattern != nil else {
            throw CardTemplate.failure("field \"\(name)\"", "a check belongs to a pattern")
        }
        for character in (pattern?.characters ?? []).sorted() {
            guard let check, check.character(after: "0\(character)") == nil else { continue }
            throw CardTemplate.failure(
                "field \"\(name)\"",
                "\(check.rawValue) does not count \"\(character)\", which its pattern allows"
            )
        }
        guard (0...5).contains(style) else {
            throw CardTemplate.failure("field \"\(name)\"", "style is \(style), expected 0 to 5")
        }
    }
}

extension CardTemplate.Box: Decodable {
    /// Reads `[x, y, width, height]`.
    public init(from decoder: any Decoder) throws {
        let numbers = try decoder.singleValueContainer().decode([Double].self)
        guard numbers.count == 4, numbers.allSatisfy({ (0...1).contains($0) }),
            numbers[0] + numbers[2] <= 1, numbers[1] + numbers[3] <= 1,
            // Smaller ones hold no text that anybody could read.
            numbers[2] >= 0.01, numbers[3] >= 0.01
        else {
            let path = decoder.codingPath.map(\.stringValue).joined(separator: ".")
            throw CardTemplate.failure(
                path,
                "a box is [left, top, width, height] in parts of the card, not \(numbers)"
            )
        }
        (x, y, width, height) = (numbers[0], numbers[1], numbers[2], numbers[3])
    }
}

/// A key of whatever name.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    fileprivate func refuseUnknownKeys(_ known: [String]) throws {
        let keys = try container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
        guard let unknown = keys.first(where: { !known.contains($0) }) else { return }
        let place = (codingPath.map(\.stringValue) + [unknown]).joined(separator: ".")
        throw CardTemplate.failure(
            place,
            "no such key; there are \(known.joined(separator: ", "))"
        )
    }
}

extension DecodingError {
    private var context: Context? {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context), .dataCorrupted(let context):
            context
        @unknown default: nil
        }
    }

    fileprivate var place: String {
        (context?.codingPath ?? []).map(\.stringValue).joined(separator: ".")
    }

    fileprivate var reason: String {
        if case .keyNotFound(let key, _) = self { return "\"\(key.stringValue)\" is missing" }
        return context?.debugDescription ?? "\(self)"
    }
}

extension CardTemplate {
    /// The designs that come with Freshet.
    public static let builtIn: [CardTemplate] = [
        PackageResources.national_id_json, PackageResources.residence_permit_json,
        PackageResources.driving_licence_json, PackageResources.member_card_json,
        PackageResources.passport_json,
    ].map { bytes in
        do throws(TextRecognitionError) {
            return try CardTemplate(json: bytes)
        } catch {
            // They are part of the program, and a test reads each.
            preconditionFailure("\(error)")
        }
    }
}
