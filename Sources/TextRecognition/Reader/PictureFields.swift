import Foundation
import Learning

/// What comes with a picture: a label or a request, in either form.
///
/// The value is the picture itself, and headers say the rest; or it is a JSON object in which the
/// picture is base64. What is said of a value that cannot be used never quotes it: pictures and
/// texts are about persons.
struct PictureFields {
    /// Why an event or a request cannot be used.
    struct Refusal: Error {
        var reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// The fields that an event of this kind may have.
    enum Field: String, CaseIterable {
        case text, template, field, id, timestamp, request, document, pattern, picture
        case checkDigit = "check_digit"
    }

    /// The file; borrowed, or decoded from base64.
    enum File {
        case borrowed(UnsafeRawBufferPointer)
        case owned([UInt8])

        func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
            switch self {
            case .borrowed(let bytes): body(bytes)
            case .owned(let bytes): bytes.withUnsafeBytes(body)
            }
        }
    }

    private(set) var file = File.owned([])
    private(set) var values: [Field: [UInt8]] = [:]

    static let expected =
        "a PNG or JPEG with headers, or {\"image\":base64,…}: see docs/text.md"

    /// Reads an event or request; `headers` is asked only where the value is a picture.
    init(_ event: EncodedEvent, headers: () -> [EventHeader]) throws(Refusal) {
        guard let value = event.value, !value.isEmpty else {
            throw Refusal("the record has no value; expected \(Self.expected)")
        }
        if let key = event.key { values[.document] = Array(key) }
        let first = value.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if first == UInt8(ascii: "{") {
            try readJSON(value)
        } else {
            file = .borrowed(value)
            try readHeaders(headers())
        }
    }

    private mutating func readHeaders(_ headers: [EventHeader]) throws(Refusal) {
        for header in headers {
            guard let field = Field(rawValue: header.name), field != .document else { continue }
            guard let value = header.value, value.withUnsafeBytes(UTF8Check.isValid) else {
                throw Refusal("header \(field.rawValue) is not UTF-8 text")
            }
            guard values.updateValue(value, forKey: field) == nil else {
                throw Refusal("header \(field.rawValue) stands twice; expected it once")
            }
        }
    }

    private mutating func readJSON(_ bytes: UnsafeRawBufferPointer) throws(Refusal) {
        var reader = JSONReader(bytes)
        do throws(JSONReader.Failure) {
            // The whole text must be JSON before a field can be blamed.
            var whole = reader
            try whole.skipValue()
            try whole.finish()
        } catch {
            throw Refusal(
                "the value is not JSON: \(error.message) at byte \(error.position); "
                    + "expected \(Self.expected)"
            )
        }
        do {
            try readObject(&reader)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal("the value cannot be read; expected \(Self.expected)")
        }
    }

    private mutating func readObject(_ reader: inout JSONReader) throws {
        var hasImage = false
        var present: Set<[UInt8]> = []
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = String(decoding: key.prefix(20), as: UTF8.self)
            let field = Field(rawValue: name)
            guard field != nil || name == "image" else {
                try reader.skipValue()
                continue
            }
            guard present.insert(key).inserted else {
                throw Refusal("\(name) stands twice; expected it once")
            }
            let value = try Self.readValue(name, &reader)
            if let field {
                values[field] = value
            } else {
                guard let data = Data(base64Encoded: Data(value)) else {
                    throw Refusal("image is not base64; expected \(Self.expected)")
                }
                file = .owned([UInt8](data))
                hasImage = true
            }
        }
        guard hasImage else { throw Refusal("image is missing; expected \(Self.expected)") }
    }

    /// Text; a number or `null` too where the field may be one.
    private static func readValue(_ name: String, _ reader: inout JSONReader) throws -> [UInt8] {
        let kind = try reader.nextKind()
        switch kind {
        case .string: return try reader.readString()
        case .number where ["timestamp", "request", "id", "document"].contains(name):
            return Array(try reader.readNumber())
        default: throw Refusal("\(name) is a JSON \(kind.rawValue); expected a string")
        }
    }
}

extension PictureFields {
    /// The longest name of a template or field.
    static let maximumNameLength = 64
    /// The longest pattern, and a state for each character of its alternatives, and one: a decoder
    /// looks at all of them, and the one who asks is not to hold up the others.
    static let maximumPatternLength = 256
    static let maximumPatternStates = 97
    /// The longest id of a document, label or request.
    static let maximumIDLength = 512

    /// A name of few letters, as templates and fields have; empty when there is none.
    func name(_ field: Field) throws(Refusal) -> String {
        guard let value = values[field] else { return "" }
        let isPlain = value.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain, value.count <= Self.maximumNameLength else {
            throw Refusal(
                "\(field.rawValue) has \(value.count) bytes; expected at most "
                    + "\(Self.maximumNameLength) letters, digits, dots, hyphens or underscores"
            )
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// An id; nil when there is none.
    func id(_ field: Field) throws(Refusal) -> [UInt8]? {
        guard let value = values[field] else { return nil }
        guard (1...Self.maximumIDLength).contains(value.count) else {
            throw Refusal(
                "\(field.rawValue) has \(value.count) bytes; expected 1 to \(Self.maximumIDLength)"
            )
        }
        return value
    }

    /// What the text must be like; nil when nothing is said of it.
    func format() throws(Refusal) -> FieldFormat? {
        var format = FieldFormat()
        if let value = values[.pattern] {
            guard value.count <= Self.maximumPatternLength else {
                throw Refusal(
                    "pattern has \(value.count) bytes; expected at most "
                        + "\(Self.maximumPatternLength)"
                )
            }
            do throws(TextRecognitionError) {
                format.pattern = try FieldPattern(String(decoding: value, as: UTF8.self))
            } catch {
                throw Refusal(error.description)
            }
            guard format.pattern.map(\.states.count) ?? 0 <= Self.maximumPatternStates else {
                throw Refusal(
                    "pattern is for more than \(Self.maximumPatternStates - 1) characters; "
                        + "lower its counts"
                )
            }
        }
        if let value = values[.checkDigit] {
            format.checkDigit = CheckDigit(rawValue: String(decoding: value, as: UTF8.self))
            guard format.checkDigit != nil else {
                let known = CheckDigit.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refusal("check_digit is not known; expected one of \(known)")
            }
        }
        return format == FieldFormat() ? nil : format
    }

    private static func isPicture(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) || bytes.starts(with: [0xFF, 0xD8])
    }

    /// The picture, decoded and scaled to the height at which lines are read.
    func line(limits: ImageLimits) throws(Refusal) -> GrayImage {
        try decoded { bytes throws(TextRecognitionError) in
            try GrayImage(line: bytes, limits: limits)
        }
    }

    /// The picture, decoded as it is.
    func photograph(limits: ImageLimits) throws(Refusal) -> GrayImage {
        try decoded { bytes throws(TextRecognitionError) in
            try GrayImage(decoding: bytes, limits: limits)
        }
    }

    private func decoded(
        _ decode: (UnsafeRawBufferPointer) throws(TextRecognitionError) -> GrayImage
    ) throws(Refusal) -> GrayImage {
        // Of what is none the decoder would name the first bytes, which may be a text.
        guard file.withBytes(Self.isPicture) else {
            throw Refusal("the picture is neither a PNG nor a JPEG; expected \(Self.expected)")
        }
        let result = file.withBytes { bytes in
            Result { () throws(TextRecognitionError) in try decode(bytes) }
        }
        do throws(TextRecognitionError) {
            return try result.get()
        } catch {
            throw Refusal(error.description)
        }
    }
}

extension GrayImage {
    /// Decodes a picture of a line, and scales it to the height at which lines are read.
    init(
        line bytes: UnsafeRawBufferPointer,
        limits: ImageLimits
    ) throws(TextRecognitionError) {
        let image = try GrayImage(decoding: bytes, limits: limits)
        let height = PreparedLine.height
        let width = (image.width * height + image.height / 2) / image.height
        guard width <= PreparedLine.maximumWidth else {
            throw TextRecognitionError(
                .tooLarge,
                "the picture has \(image.width) × \(image.height) pixels",
                remedy: "cut out one line of text, at most "
                    + "\(PreparedLine.maximumWidth / height) times as wide as high"
            )
        }
        self = image.resized(width: max(width, 2 * PreparedLine.columnsPerStep), height: height)
    }
}
