import Learning

/// Decodes labels; says of what cannot be used which field it is, and quotes nothing.
struct LabelDecoder {
    let settings: ReaderSettings

    /// The longest text.
    static let maximumTextLength = 128
    /// The end of the year 9999.
    private static let maximumTimestamp: Int64 = 253_402_300_799_999

    /// Decodes all of `encoded` into `events`, which is emptied first.
    func decode(
        _ encoded: EncodedBatch,
        into events: inout LabelEvents,
        rejections: inout [Rejection]
    ) {
        events.removeAll()
        for index in encoded.indices {
            do throws(PictureFields.Refusal) {
                events.append(
                    try label(encoded[index], headers: { encoded.headers(at: index) })
                )
            } catch {
                rejections.append(Rejection(index: index, reason: error.reason))
            }
        }
    }

    private func label(
        _ event: EncodedEvent,
        headers: () -> [EventHeader]
    ) throws(PictureFields.Refusal) -> Label {
        let fields = try PictureFields(event, headers: headers)
        let text = try text(of: fields)
        let (template, field) = (try fields.name(.template), try fields.name(.field))
        let timestamp = try timestamp(of: fields, event)
        let id = try fields.id(.id)
        let document = try fields.id(.document) ?? []
        // Last, since it costs most.
        let image = try fields.line(limits: settings.imageLimits)
        return Label(
            image: image,
            text: text,
            template: template,
            field: field,
            document: document,
            timestamp: timestamp,
            identity: id.map { $0.withUnsafeBytes(EventIdentity.init) } ?? .none,
            partition: event.partition,
            offset: event.offset
        )
    }

    private func text(of fields: PictureFields) throws(PictureFields.Refusal) -> String {
        guard let bytes = fields.values[.text] else {
            throw PictureFields.Refusal("text is missing; expected what stands in the picture")
        }
        guard (1...Self.maximumTextLength).contains(bytes.count) else {
            throw PictureFields.Refusal(
                "text has \(bytes.count) bytes; expected 1 to \(Self.maximumTextLength)"
            )
        }
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(TextRecognitionError) {
            _ = try Alphabet.base.labels(of: text)
        } catch {
            throw PictureFields.Refusal("\(error.message): \(error.remedy)")
        }
        guard text.contains(where: { $0 != " " }) else {
            throw PictureFields.Refusal("text has spaces only; expected what stands in the picture")
        }
        return text
    }

    /// The label's own time, or else that of its record.
    private func timestamp(
        of fields: PictureFields,
        _ event: EncodedEvent
    ) throws(PictureFields.Refusal) -> Int64 {
        guard let text = fields.values[.timestamp] else {
            guard event.recordTimestamp >= 0 else {
                throw PictureFields.Refusal(
                    "timestamp is missing; expected an integer, milliseconds since 1970"
                )
            }
            return event.recordTimestamp
        }
        guard let time = Int64(String(decoding: text, as: UTF8.self)),
            (0...Self.maximumTimestamp).contains(time)
        else {
            throw PictureFields.Refusal(
                "timestamp is no time; expected an integer, milliseconds since 1970"
            )
        }
        let limit = settings.maximumFutureMilliseconds
        guard event.recordTimestamp < 0 || time - event.recordTimestamp <= limit else {
            throw PictureFields.Refusal(
                "timestamp lies \(time - event.recordTimestamp) ms after the record's; expected at "
                    + "most \(limit)"
            )
        }
        return time
    }
}
