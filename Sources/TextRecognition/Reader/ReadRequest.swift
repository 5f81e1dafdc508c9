import Learning

/// A decoded request: a picture, and what the answer is to be told with.
struct ReadRequest {
    /// Why a request is refused, and its `request` as JSON when that could be read.
    struct Refusal: Error {
        var echo: [UInt8]?
        var reason: String
    }

    /// What is to be read.
    enum Picture {
        /// A line, and what its text must be like; nil when every text may be.
        case line(GrayImage, format: FieldFormat?)
        /// A photograph of cards, and the one design that they have; nil when they may have any.
        case cards(GrayImage, template: String?)
    }

    /// The values of the field `picture`.
    private enum Kind: String, CaseIterable {
        case line, cards
    }

    /// The `request` as JSON, to be given back.
    private(set) var echo: [UInt8]
    /// The picture.
    let picture: Picture

    init(
        _ event: EncodedEvent,
        headers: () -> [EventHeader],
        settings: ReaderSettings
    ) throws(Refusal) {
        let fields: PictureFields
        do throws(PictureFields.Refusal) {
            fields = try PictureFields(event, headers: headers)
        } catch {
            throw Refusal(echo: nil, reason: error.reason)
        }
        var echo: [UInt8]?
        do throws(PictureFields.Refusal) {
            guard let id = try fields.id(.request) else {
                throw PictureFields.Refusal(
                    "request is missing; expected 1 to \(PictureFields.maximumIDLength) bytes that "
                        + "the client chooses"
                )
            }
            var text: [UInt8] = []
            JSONText.append(id, to: &text)
            echo = text
            let template = try fields.name(.template)
            _ = try fields.name(.field)
            picture =
                switch try Self.kind(of: fields) {
                case .line: try Self.line(in: fields, limits: settings.imageLimits)
                case .cards:
                    try Self.cards(template, in: fields, limits: settings.photographLimits)
                }
            self.echo = text
        } catch {
            throw Refusal(echo: echo, reason: error.reason)
        }
    }

    private static func kind(of fields: PictureFields) throws(PictureFields.Refusal) -> Kind {
        guard let value = fields.values[.picture] else { return .line }
        guard let kind = Kind(rawValue: String(decoding: value, as: UTF8.self)) else {
            let known = Kind.allCases.map(\.rawValue).joined(separator: " or ")
            throw PictureFields.Refusal("picture is not known; expected \(known)")
        }
        return kind
    }

    private static func line(
        in fields: PictureFields,
        limits: ImageLimits
    ) throws(PictureFields.Refusal) -> Picture {
        let format = try fields.format()
        // Last, since it costs most.
        return .line(try fields.line(limits: limits), format: format)
    }

    private static func cards(
        _ template: String,
        in fields: PictureFields,
        limits: ImageLimits
    ) throws(PictureFields.Refusal) -> Picture {
        for field in [PictureFields.Field.pattern, .checkDigit] where fields.values[field] != nil {
            throw PictureFields.Refusal(
                "\(field.rawValue) is for a line; leave it out with the picture of cards, whose "
                    + "designs declare it"
            )
        }
        guard template.isEmpty || CardTemplate.builtIn.contains(where: { $0.name == template })
        else {
            let known = CardTemplate.builtIn.map(\.name).joined(separator: ", ")
            throw PictureFields.Refusal("template is not known; expected one of \(known)")
        }
        let photograph = try fields.photograph(limits: limits)
        return .cards(photograph, template: template.isEmpty ? nil : template)
    }
}
