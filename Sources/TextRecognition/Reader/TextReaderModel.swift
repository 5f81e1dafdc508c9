public import Learning

/// Reads lines, and the lines of whole cards, with the averaged weights that a reader has learned.
///
/// Owned by one thread; learns nothing. An answer does not depend on which other requests it is
/// computed with.
public final class TextReaderModel: ServableModel {
    /// As the learner's settings.
    public typealias Settings = ReaderSettings

    private let settings: ReaderSettings
    private let network: LineNetwork
    private let parameters: FloatBuffer
    private let statistics: FloatBuffer
    private var recognizer: LineRecognizer { didSet { cardReader?.recognizer = recognizer } }
    /// Finds cards with the weights that come with Freshet, and reads them with `recognizer`; nil until
    /// a photograph is read.
    private var cardReader: CardReader?
    /// What makes confidences agree with how often they are right, as far as the base model is known.
    private let temperature: Float
    /// Decoders of formats, the one used last at the end.
    private var decoders: [BeamDecoder] = []
    private static let maximumDecoders = 16
    /// Labels that the state has learned.
    private var labelCount: Int64 = 0

    /// The model of a reader that has learned nothing.
    public init(settings: ReaderSettings) throws(LearningError) {
        try settings.validate()
        self.settings = settings
        temperature = settings.start == .base ? try RecognizerModel.base().temperature : 1
        let start = try settings.startingTrainer()
        network = start.network
        parameters = start.optimizer.average
        statistics = start.statistics
        recognizer = LineRecognizer(network, parameters: parameters, statistics: statistics)
    }

    /// The model in a reader's state.
    public convenience init(
        settings: ReaderSettings,
        state: any TensorSource
    ) throws(LearningError) {
        try self.init(settings: settings)
        try take(state)
    }

    /// Brings the model up by a reader's increment.
    public func restore(_ increment: any TensorSource) throws(LearningError) {
        var here = NamedTensors()
        here["model.counts"] = Tensor([labelCount])
        try increment.requireBase(Increment.basePrefix + "model.counts", in: here)
        try take(increment)
    }

    /// Brings the model to the state after the reader's `takeDelta`.
    public func apply(_ delta: NamedTensors) throws(LearningError) {
        guard !delta.isEmpty else { return }
        let base: [Int64] = try delta.values("base", shape: [1])
        guard base == [labelCount] else {
            throw LearningError(
                .tensor,
                "the update begins at label \(base[0]), the model is at \(labelCount)",
                remedy: "updates were missed; start again from the newest checkpoint"
            )
        }
        try take(delta)
    }

    /// Takes over weights, statistics and count; nothing changes unless all fit.
    private func take(_ source: any TensorSource) throws(LearningError) {
        let counts = try ReaderTensors.counts("model.counts", shape: 1, in: source)
        let newStatistics = FloatBuffer(count: network.statistics.count)
        try network.statistics.decode(source, prefix: "model.", into: newStatistics)
        try network.parameters.decode(source, prefix: "model.", into: parameters)
        statistics.copy(from: newStatistics)
        labelCount = counts[0]
        recognizer = LineRecognizer(network, parameters: parameters, statistics: statistics)
    }

    /// The whole model.
    public func encode() -> NamedTensors {
        var tensors = NamedTensors()
        network.parameters.encode(parameters, prefix: "model.", into: &tensors)
        network.statistics.encode(statistics, prefix: "model.", into: &tensors)
        tensors["model.counts"] = Tensor([labelCount])
        return tensors
    }

    /// Reads the picture of each request.
    ///
    /// A picture that is none is refused with a reason that quotes nothing of it.
    public func answer(_ requests: EncodedBatch, stamp: ModelStamp) -> [Answer] {
        requests.indices.map { index in
            let request: ReadRequest
            do throws(ReadRequest.Refusal) {
                request = try ReadRequest(
                    requests[index],
                    headers: { requests.headers(at: index) },
                    settings: settings
                )
            } catch {
                return ReadAnswer.refuse(error, stamp: stamp)
            }
            return switch request.picture {
            case .line(let image, let format):
                ReadAnswer.write(
                    read(image, as: format),
                    isFormed: format != nil,
                    to: request,
                    stamp: stamp
                )
            case .cards(let photograph, let template):
                ReadAnswer.write(
                    cards(in: photograph, template: template),
                    to: request,
                    stamp: stamp
                )
            }
        }
    }

    /// What stands in a picture file of a line, which must keep to the limits of requests.
    public func read(
        file bytes: [UInt8],
        as format: FieldFormat? = nil
    ) throws(TextRecognitionError) -> Reading {
        let limits = settings.imageLimits
        let line = bytes.withUnsafeBytes { bytes in
            Result { () throws(TextRecognitionError) in
                try GrayImage(line: bytes, limits: limits)
            }
        }
        return read(try line.get(), as: format)
    }

    /// The cards in the file of a photograph, which may be larger than a request takes.
    public func cards(
        file bytes: [UInt8],
        template: String? = nil
    ) throws(TextRecognitionError) -> [CardReading] {
        cards(in: try GrayImage(decoding: bytes), template: template)
    }

    /// The cards in a photograph, the likeliest first; none when there is no card.
    ///
    /// With `template`, the name of a design that comes with Freshet, each is read as one of it.
    public func cards(in photograph: GrayImage, template: String? = nil) -> [CardReading] {
        let reader = cardReader ?? makeCardReader()
        cardReader = reader
        return reader.read(photograph, template: template)
    }

    /// What stands in a picture of a line; the likeliest of the texts that the format allows.
    ///
    /// When no text of the format fits into the picture, what is read without one is given, and
    /// `isValid` is false.
    public func read(_ image: GrayImage, as format: FieldFormat? = nil) -> Reading {
        let scores = recognizer.scores(of: PreparedLine(image))
        let alphabet = network.settings.alphabet
        let calm = scores.tempered(by: temperature)
        guard let format, scores.isFinite else {
            return GreedyDecoder.read(calm, alphabet: alphabet)
        }
        // A few formats are asked for again and again; each keeps what it learned of its automaton.
        let known = decoders.firstIndex { $0.format == format }
        var decoder =
            known.map { decoders.remove(at: $0) }
            ?? BeamDecoder(format: format, alphabet: alphabet)
        let found = decoder.read(scores, temperature: temperature)
        if decoders.count >= Self.maximumDecoders { decoders.removeFirst() }
        decoders.append(decoder)
        if let found { return found }
        var reading = GreedyDecoder.read(calm, alphabet: alphabet)
        reading.isValid = false
        return reading
    }

    private func makeCardReader() -> CardReader {
        do throws(LearningError) {
            return CardReader(
                locator: try CardLocator.base(),
                recognizer: recognizer,
                temperature: temperature
            )
        } catch {
            // These weights are part of the program; a test reads them.
            preconditionFailure("\(error)")
        }
    }
}
