public import Learning

/// Reads whole photographs: finds the cards, tells their designs, reads the fields.
///
/// Which design a card has, and whether it lies upside down, is what its texts say: the fields of
/// every template are looked for where it has them, and that one is taken whose declared forms agree
/// best with what stands there. So a new template needs no training.
///
/// Owned by one thread.
public final class CardReader {
    private let locator: CardLocator
    /// What reads the lines; one that is put in its place must have the same alphabet.
    public var recognizer: LineRecognizer
    private let temperature: Float
    private let designs: [Design]

    /// A template, with a decoder for each of its fields.
    private final class Design {
        let template: CardTemplate
        var decoders: [BeamDecoder]
        /// The fields that have a pattern, the one that tells most first: the number.
        let telling: [Int]

        init(_ template: CardTemplate, _ alphabet: Alphabet) {
            self.template = template
            let formats = template.fields.map(\.format)
            decoders = formats.map { BeamDecoder(format: $0, alphabet: alphabet) }
            let patterned = formats.indices.filter { formats[$0].pattern != nil }
            let number = patterned.filter { template.fields[$0].name == "number" }
            telling = number + patterned.filter { !number.contains($0) }
        }
    }

    /// Room around a field's box, in parts of its height.
    private static let margin = 0.15
    /// A reading of the declared form is taken unless the network thinks another text so many times
    /// likelier.
    private static let patience = 1e4
    /// An agreement from which on no other design is asked: one wrong character of nine.
    private static let clear = 0.85
    /// An agreement below which the card is looked at upside down, too.
    private static let doubtful = 0.6

    /// Reads cards of `templates`, of which there must be one.
    ///
    /// `temperature` is what makes confidences agree with how often they are right.
    public init(
        locator: CardLocator,
        recognizer: LineRecognizer,
        templates: [CardTemplate] = CardTemplate.builtIn,
        temperature: Float = 1
    ) {
        precondition(!templates.isEmpty)
        self.locator = locator
        self.recognizer = recognizer
        self.temperature = temperature
        let alphabet = recognizer.network.settings.alphabet
        designs = templates.map { Design($0, alphabet) }
    }

    /// Reads with the weights that come with Freshet.
    public static func base(
        templates: [CardTemplate] = CardTemplate.builtIn
    ) throws(LearningError) -> CardReader {
        let model = try RecognizerModel.base()
        return CardReader(
            locator: try CardLocator.base(),
            recognizer: try model.recognizer(),
            templates: templates,
            temperature: model.temperature
        )
    }

    /// The cards in a photograph, the likeliest first; none when there is no card.
    ///
    /// With `template` every card is read as one of that design; how well it fits is its agreement.
    /// None when there is no such design.
    public func read(_ photograph: GrayImage, template: String? = nil) -> [CardReading] {
        let asked = designs.filter { template == nil || $0.template.name == template }
        guard !asked.isEmpty else { return [] }
        return locator.cards(in: photograph).map { card in
            var (quad, best) = (card.quad, best(of: asked, card.quad, in: photograph))
            if best.agreement < Self.doubtful {
                let turned = self.best(of: asked, card.quad.turnedHalf, in: photograph)
                if turned.agreement > best.agreement {
                    (quad, best) = (card.quad.turnedHalf, turned)
                }
            }
            return CardReading(
                quad: quad,
                confidence: card.confidence,
                template: best.design.template.name,
                agreement: best.agreement,
                fields: fields(of: best.design, quad, in: photograph)
            )
        }
    }

    // MARK: Designs

    /// The design that agrees best with what stands on a card; `designs` has one at least.
    private func best(
        of designs: [Design],
        _ quad: Quad,
        in photograph: GrayImage
    ) -> (design: Design, agreement: Double) {
        // First by the number alone: that settles nearly all.
        for isQuick in [true, false] {
            var best = (design: designs[0], agreement: -1.0)
            for design in designs {
                let telling = isQuick ? design.telling.prefix(1) : design.telling[...]
                let agreement = agreement(design, telling, quad, photograph)
                if agreement > best.agreement { best = (design, agreement) }
            }
            if !isQuick || best.agreement >= Self.clear { return best }
        }
        preconditionFailure("the second look always answers")
    }

    /// The share of characters that are as the fields' patterns have them, 0 to 1.
    private func agreement(
        _ design: Design,
        _ fields: ArraySlice<Int>,
        _ quad: Quad,
        _ photograph: GrayImage
    ) -> Double {
        var (right, all) = (0, 0)
        for index in fields {
            let field = design.template.fields[index]
            guard let pattern = design.decoders[index].format.pattern,
                let scores = scores(of: field, quad, photograph)
            else { continue }
            let text = greedy(scores).text
            // What is missing counts as much as what is wrong or too much.
            let length = max(text.count, pattern.distance(to: ""))
            right += length - min(length, pattern.distance(to: text))
            all += length
        }
        return all > 0 ? Double(right) / Double(all) : 0
    }

    // MARK: Fields

    private func fields(
        of design: Design,
        _ quad: Quad,
        in photograph: GrayImage
    ) -> [CardReading.Field] {
        guard let place = Homography(from: Quad(x: 0, y: 0, width: 1, height: 1), to: quad) else {
            return []
        }
        return design.template.fields.enumerated().compactMap { index, field in
            scores(of: field, quad, photograph).map { scores in
                CardReading.Field(
                    name: field.name,
                    quad: place(field.box.quad(1, 1)),
                    reading: read(scores, &design.decoders[index])
                )
            }
        }
    }

    private func scores(
        of field: CardTemplate.Field,
        _ quad: Quad,
        _ photograph: GrayImage
    ) -> LineScores? {
        photograph.field(field.box, of: quad, margin: Self.margin).map {
            recognizer.scores(of: PreparedLine($0)).tempered(by: temperature)
        }
    }

    private func greedy(_ scores: LineScores) -> Reading {
        GreedyDecoder.read(scores, alphabet: recognizer.network.settings.alphabet)
    }

    /// The likeliest text, or one that has the declared form if that is not much less likely.
    private func read(_ scores: LineScores, _ decoder: inout BeamDecoder) -> Reading {
        var free = greedy(scores)
        free.isValid = decoder.format.accepts(free.text)
        // Weights that diverged give numbers that no text can be searched by.
        guard !free.isValid, scores.isFinite, let formed = decoder.read(scores),
            formed.isValid, formed.confidence * Self.patience > free.confidence
        else { return free }
        return formed
    }
}

extension Quad {
    /// The same corners, beginning with the one opposite.
    var turnedHalf: Quad {
        Quad(
            topLeft: bottomRight,
            topRight: bottomLeft,
            bottomRight: topLeft,
            bottomLeft: topRight
        )
    }
}
