public import Learning

/// What an operator can set of a reader of lines.
public struct ReaderSettings: Codable, Sendable, Equatable {
    /// Seed of everything random: what a new network begins with, small changes of lines, which
    /// lines are kept and learned again.
    ///
    /// Default 1.
    public var seed: UInt64 = 1
    /// What the weights begin as: `base` (the model that comes with Freshet), `random`, or the path of
    /// a safetensors file that holds a model, as a version does.
    ///
    /// Only the first version of a model depends on it. Default `base`.
    public var start = ReaderStart.base
    /// Channels of the network's five convolutions, multiples of 8.
    ///
    /// Default 24, 48, 80, 112, 128.
    public var widths = RecognizerSettings().widths
    /// Dilations of its residual convolutions along the text.
    ///
    /// Default 1, 2, 4.
    public var dilations = RecognizerSettings().dilations
    /// Labels that are learned together, 1…64.
    ///
    /// Default 16.
    public var labelsPerUpdate = 16
    /// Steps for that many labels, besides one for each as it comes, 0…100.
    ///
    /// Default 11.
    public var stepsPerUpdate = 11
    /// Lines of labels in each step: those that wait, and earlier ones to make up this number,
    /// 0…64.
    ///
    /// Default 16.
    public var linesPerStep = 16
    /// AdamW's step, over 0, at most 1.
    ///
    /// Default 0.0007.
    public var learningRate = 7e-4
    /// What the step of the last layer is multiplied by, over 0, at most 100.
    ///
    /// Default 5.
    public var headRate = 5.0
    /// How much of the moving average of the weights, which is what scorers get, a step keeps,
    /// 0 to below 1.
    ///
    /// Default 0.97.
    public var averageKeep = 0.97
    /// Which earlier labels are learned again.
    public var replay = Replay()
    /// Number of labels in the sliding window of the evaluation, 1…1,000,000.
    ///
    /// Default 1,000.
    public var windowLabels = 1_000
    /// How far a label's timestamp may lie after the time at which its record was appended to the
    /// log, in milliseconds, at least 0.
    ///
    /// Default 86,400,000 (one day).
    public var maximumFutureMilliseconds: Int64 = 86_400_000

    /// Which earlier labels are learned again.
    public struct Replay: Codable, Sendable, Equatable {
        /// Synthetic lines of the base scenario in each step, 0…64: what a base model was made from,
        /// so that it is not forgotten although no picture of it is stored.
        ///
        /// They are drawn with the fonts of this machine. Default 32.
        public var baseLinesPerStep = 32
        /// Bytes of lines that are kept for it; they are part of every version.
        ///
        /// Default 16 MiB: some 2,000 lines.
        public var limit = ByteSize(mebibytes: 16)

        /// Settings with their defaults.
        public init() {}
    }

    /// Settings with their defaults.
    public init() {}
}

extension ReaderSettings {
    /// Reads settings; a field that is missing has its default.
    public init(from decoder: any Decoder) throws {
        self.init()
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.read(.seed, into: &seed)
        try fields.read(.start, into: &start)
        try fields.read(.widths, into: &widths)
        try fields.read(.dilations, into: &dilations)
        try fields.read(.labelsPerUpdate, into: &labelsPerUpdate)
        try fields.read(.stepsPerUpdate, into: &stepsPerUpdate)
        try fields.read(.linesPerStep, into: &linesPerStep)
        try fields.read(.learningRate, into: &learningRate)
        try fields.read(.headRate, into: &headRate)
        try fields.read(.averageKeep, into: &averageKeep)
        try fields.read(.replay, into: &replay)
        try fields.read(.windowLabels, into: &windowLabels)
        try fields.read(.maximumFutureMilliseconds, into: &maximumFutureMilliseconds)
    }
}

extension ReaderSettings.Replay {
    /// Reads settings; a field that is missing has its default.
    public init(from decoder: any Decoder) throws {
        self.init()
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.read(.baseLinesPerStep, into: &baseLinesPerStep)
        try fields.read(.limit, into: &limit)
    }
}

extension KeyedDecodingContainer {
    fileprivate func read<Value: Decodable>(_ key: Key, into value: inout Value) throws {
        if let given = try decodeIfPresent(Value.self, forKey: key) { value = given }
    }
}

extension ReaderSettings: LearnerSettings {
    /// `reader`.
    public static let kind = "reader"

    /// A reader of lines.
    public var learner: any ConfiguredLearner { Configured(TextReader.self, self) }

    /// Throws unless every field is in range, naming the first that is not.
    public func validate() throws(LearningError) {
        try network.validate()
        try check("labelsPerUpdate", Double(labelsPerUpdate), in: 1...64)
        try check("stepsPerUpdate", Double(stepsPerUpdate), in: 0...100)
        try check("linesPerStep", Double(linesPerStep), in: 0...64)
        try check("learningRate", learningRate, in: 1e-9...1)
        try check("headRate", headRate, in: 1e-9...100)
        try check("averageKeep", averageKeep, in: 0...0.999999)
        try check("replay.baseLinesPerStep", Double(replay.baseLinesPerStep), in: 0...64)
        try check("replay.limit", Double(replay.limit.bytes), in: 0...Double(1 << 32))
        try check("windowLabels", Double(windowLabels), in: 1...1_000_000)
        try check("maximumFutureMilliseconds", Double(maximumFutureMilliseconds), in: 0...1e15)
    }

    private func check(
        _ name: String,
        _ value: Double,
        in range: ClosedRange<Double>
    ) throws(LearningError) {
        guard !range.contains(value) else { return }
        throw LearningError(
            .setting,
            "\(name) is \(value)",
            remedy: "set it to a number from \(range.lowerBound) to \(range.upperBound)"
        )
    }

    /// The shape of the network.
    var network: RecognizerSettings {
        var settings = RecognizerSettings()
        settings.widths = widths
        settings.dilations = dilations
        settings.seed = seed
        return settings
    }

    var optimizer: AdamW.Settings {
        var settings = AdamW.Settings()
        settings.averageKeep = Float(averageKeep)
        settings.averageGrows = start == .random
        return settings
    }

    /// What a picture may cost: a record of the topics is no larger, and a line of text needs far
    /// less.
    var imageLimits: ImageLimits { ImageLimits(byteCount: 1 << 20, pixelCount: 4_000_000) }

    /// What a photograph of cards may cost in a record.
    var photographLimits: ImageLimits { ImageLimits(byteCount: 1 << 20) }
}
