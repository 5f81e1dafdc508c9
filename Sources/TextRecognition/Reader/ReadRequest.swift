import Learning

/// A decoded request: a picture of a line, and what the answer is to be told with.
struct ReadRequest {
    /// Why a request is refused, and its `request` as JSON when that could be read.
    struct Refusal: Error {
        var echo: [UInt8]?
        var reason: String
    }

    /// The `request` as JSON, to be given back.
    private(set) var echo: [UInt8]
    /// The picture.
    let image: GrayImage
    /// What the text must be like; nil when every text may be.
    let format: FieldFormat?

    init(
        _ event: EncodedEvent,
        headers: () -> [EventHeader],
        limits: ImageLimits
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
            _ = (try fields.name(.template), try fields.name(.field))
            format = try fields.format()
            image = try fields.line(limits: limits)
            self.echo = text
        } catch {
            throw Refusal(echo: echo, reason: error.reason)
        }
    }
}

/// Writes answers as JSON.
enum ReadAnswer {
    static func write(_ reading: Reading, to request: ReadRequest, stamp: ModelStamp) -> Answer {
        guard reading.isFinite else {
            return refuse(
                ReadRequest.Refusal(
                    echo: request.echo,
                    reason: "the model diverged: it holds numbers that are not finite; "
                        + "roll back to an earlier version or lower the learning rate"
                ),
                stamp: stamp
            )
        }
        var text = Array("{\"request\":".utf8)
        text += request.echo
        text += ",\"text\":".utf8
        JSONText.append(reading.text.utf8, to: &text)
        text += ",\"confidence\":\(reading.confidence),\"characters\":[".utf8
        for (place, confidence) in reading.characterConfidences.enumerated() {
            if place > 0 { text.append(UInt8(ascii: ",")) }
            text += "\(confidence)".utf8
        }
        text.append(UInt8(ascii: "]"))
        if request.format != nil { text += ",\"valid\":\(reading.isValid)".utf8 }
        text += ",\"model\":".utf8
        JSONText.append(stamp.model.utf8, to: &text)
        text +=
            (",\"version\":\(stamp.version),\"sequence\":\(stamp.sequence)"
            + ",\"watermark\":\(stamp.watermark),\"position\":\(stamp.position)}").utf8
        return Answer(value: text)
    }

    /// A refusal, addressed to the asker when the request could be named.
    static func refuse(_ refusal: ReadRequest.Refusal, stamp: ModelStamp) -> Answer {
        guard let echo = refusal.echo else { return Answer(value: nil, refusal: refusal.reason) }
        var text = Array("{\"request\":".utf8)
        text += echo
        text += ",\"error\":".utf8
        JSONText.append(refusal.reason.utf8, to: &text)
        text += ",\"model\":".utf8
        JSONText.append(stamp.model.utf8, to: &text)
        text.append(UInt8(ascii: "}"))
        return Answer(value: text, refusal: refusal.reason)
    }
}

extension Reading {
    /// Whether all that is said is a number.
    var isFinite: Bool { confidence.isFinite && characterConfidences.allSatisfy(\.isFinite) }
}

extension LineScores {
    /// Whether all scores are numbers, 0 probabilities with them.
    var isFinite: Bool { !logProbabilities.contains { $0.isNaN || $0 == .infinity } }
}
