import Learning

/// Writes answers as JSON.
enum ReadAnswer {
    /// What stands in a line; `isFormed` when the request says what the text must be like.
    static func write(
        _ reading: Reading,
        isFormed: Bool,
        to request: ReadRequest,
        stamp: ModelStamp
    ) -> Answer {
        guard reading.isFinite else { return refuseDiverged(request, stamp) }
        var text = Array("{\"request\":".utf8)
        text += request.echo
        text.append(UInt8(ascii: ","))
        append(reading, to: &text)
        if isFormed { text += ",\"valid\":\(reading.isValid)".utf8 }
        close(&text, stamp)
        return Answer(value: text)
    }

    /// What stands on cards, in the order in which they are given.
    static func write(
        _ cards: [CardReading],
        to request: ReadRequest,
        stamp: ModelStamp
    ) -> Answer {
        guard cards.allSatisfy(\.isFinite) else { return refuseDiverged(request, stamp) }
        var text = Array("{\"request\":".utf8)
        text += request.echo
        text += ",\"cards\":[".utf8
        for (place, card) in cards.enumerated() {
            if place > 0 { text.append(UInt8(ascii: ",")) }
            append(card, to: &text)
        }
        text.append(UInt8(ascii: "]"))
        close(&text, stamp)
        return Answer(value: text)
    }

    private static func append(_ card: CardReading, to text: inout [UInt8]) {
        text += "{\"quad\":\(card.quad.places),\"confidence\":\(card.confidence)".utf8
        text += ",\"template\":".utf8
        JSONText.append(card.template.utf8, to: &text)
        text += ",\"agreement\":\(card.agreement),\"fields\":[".utf8
        for (place, field) in card.fields.enumerated() {
            text += (place > 0 ? ",{\"field\":" : "{\"field\":").utf8
            JSONText.append(field.name.utf8, to: &text)
            text.append(UInt8(ascii: ","))
            append(field.reading, to: &text)
            text += ",\"valid\":\(field.reading.isValid),\"quad\":\(field.quad.places)}".utf8
        }
        text += "]}".utf8
    }

    private static func append(_ reading: Reading, to text: inout [UInt8]) {
        text += "\"text\":".utf8
        JSONText.append(reading.text.utf8, to: &text)
        text += ",\"confidence\":\(reading.confidence)".utf8
        text += ",\"characters\":\(reading.characterConfidences)".utf8
    }

    /// Says which state of the model gave the answer, and ends it.
    private static func close(_ text: inout [UInt8], _ stamp: ModelStamp) {
        text += ",\"model\":".utf8
        JSONText.append(stamp.model.utf8, to: &text)
        text +=
            (",\"version\":\(stamp.version),\"sequence\":\(stamp.sequence)"
            + ",\"watermark\":\(stamp.watermark),\"position\":\(stamp.position)}").utf8
    }

    private static func refuseDiverged(_ request: ReadRequest, _ stamp: ModelStamp) -> Answer {
        refuse(
            ReadRequest.Refusal(
                echo: request.echo,
                reason: "the model diverged: it holds numbers that are not finite; "
                    + "roll back to an earlier version or lower the learning rate"
            ),
            stamp: stamp
        )
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
