public import Learning

/// What an operator can set of a recommender.
///
/// Every field has a default that was measured on several streams; none needs to be set to begin.
public struct RecommenderSettings: Codable, Sendable, Equatable {
    /// What an event says about the user's taste.
    public enum Feedback: String, Codable, Sendable, CaseIterable {
        /// Every event is a sign of interest, whatever its value: ranked lists are learned.
        case implicit
        /// The event's value is a rating: ratings are predicted.
        case explicit
    }

    /// What a further event of the same user and item means to the implicit learner.
    public enum Repeats: String, Codable, Sendable, CaseIterable {
        /// It is counted, but neither learned nor scored: each pair counts once.
        case ignored
        /// It is learned like a first one, but not scored: the item is not to be recommended again.
        case learned
    }

    /// What events mean.
    ///
    /// Default `implicit`.
    public var feedback: Feedback
    /// Seed of everything random: initial factors, negatives, which events are evaluated.
    ///
    /// Default 1.
    public var seed: UInt64
    /// Latent dimensions of users and items, 1…1024.
    ///
    /// Default 64.
    public var factors: Int
    /// Standard deviation of the factors of a new user or item, 0…10.
    ///
    /// Default 0.05.
    public var initialScale: Double
    /// How far an event's timestamp may lie after the time at which its record was appended to the
    /// log, in milliseconds, at least 0.
    ///
    /// Default 86,400,000 (one day).
    public var maximumFutureMilliseconds: Int64
    /// Half-life of popularity, in events, at least 1: popularity answers unknown users, and is the
    /// baseline in the evaluation.
    ///
    /// Default 5,000.
    public var popularityHalfLifeEvents: Double
    /// Number of scored events in the sliding window of the evaluation, 1…1,000,000.
    ///
    /// Default 10,000.
    public var windowEvents: Int
    /// Which part of the events is ranked for the evaluation, 0…1; 0 chooses by itself: all while
    /// there are at most 2,000 items, then 250 divided by the number of items.
    ///
    /// Default 0.
    public var evaluationRate: Double
    /// How implicit feedback is learned.
    public var implicit: Implicit
    /// How ratings are learned.
    public var explicit: Explicit
    /// How much is remembered.
    public var memory: Memory

    /// How implicit feedback is learned: sequence factorization by sampled softmax and Adagrad.
    public struct Implicit: Codable, Sendable, Equatable {
        /// What a further event of the same user and item means.
        ///
        /// Default `ignored`.
        public var repeats: Repeats
        /// Number of the user's last items that count towards the short-term taste, 0…1,000; 0 is
        /// classical factorization.
        ///
        /// Default 10.
        public var historyLength: Int
        /// Weight of each item of the history relative to the one after it, 0…1.
        ///
        /// Default 0.8.
        public var historyDecay: Double
        /// Sampled negatives per event, 1…10,000.
        ///
        /// Default 60.
        public var negatives: Int
        /// Adagrad's step, over 0, at most 10.
        ///
        /// Default 0.1.
        public var learningRate: Double
        /// Adagrad's sum of squared gradients at the beginning, over 0.
        ///
        /// Default 0.01.
        public var initialAccumulator: Double
        /// L2 regularization of factors, at least 0.
        ///
        /// Default 0.002.
        public var regularization: Double

        /// Settings with their defaults.
        public init(
            repeats: Repeats = .ignored,
            historyLength: Int = 10,
            historyDecay: Double = 0.8,
            negatives: Int = 60,
            learningRate: Double = 0.1,
            initialAccumulator: Double = 0.01,
            regularization: Double = 0.002
        ) {
            self.repeats = repeats
            self.historyLength = historyLength
            self.historyDecay = historyDecay
            self.negatives = negatives
            self.learningRate = learningRate
            self.initialAccumulator = initialAccumulator
            self.regularization = regularization
        }
    }

    /// How ratings are learned: biased matrix factorization by stochastic gradient descent.
    public struct Explicit: Codable, Sendable, Equatable {
        /// Step of the factors, over 0, at most 1.
        ///
        /// Default 0.01.
        public var learningRate: Double
        /// L2 regularization of factors, at least 0.
        ///
        /// Default 0.1.
        public var regularization: Double
        /// Step of the biases at the first event, over 0, at most 1.
        ///
        /// Default 0.1.
        public var biasLearningRate: Double
        /// L2 regularization of biases, at least 0.
        ///
        /// Default 0.02.
        public var biasRegularization: Double
        /// How fast the bias step falls: divided by 1 + decay × events of that user or item so far;
        /// at least 0.
        ///
        /// Default 0.02.
        public var biasRateDecay: Double
        /// Ratings beyond this magnitude are rejected, over 0.
        ///
        /// Default 1,000,000.
        public var maximumMagnitude: Double

        /// Settings with their defaults.
        public init(
            learningRate: Double = 0.01,
            regularization: Double = 0.1,
            biasLearningRate: Double = 0.1,
            biasRegularization: Double = 0.02,
            biasRateDecay: Double = 0.02,
            maximumMagnitude: Double = 1_000_000
        ) {
            self.learningRate = learningRate
            self.regularization = regularization
            self.biasLearningRate = biasLearningRate
            self.biasRegularization = biasRegularization
            self.biasRateDecay = biasRateDecay
            self.maximumMagnitude = maximumMagnitude
        }
    }

    /// Settings with their defaults.
    public init(
        feedback: Feedback = .implicit,
        seed: UInt64 = 1,
        factors: Int = 64,
        initialScale: Double = 0.05,
        maximumFutureMilliseconds: Int64 = 86_400_000,
        popularityHalfLifeEvents: Double = 5_000,
        windowEvents: Int = 10_000,
        evaluationRate: Double = 0,
        implicit: Implicit = Implicit(),
        explicit: Explicit = Explicit(),
        memory: Memory = Memory()
    ) {
        self.feedback = feedback
        self.seed = seed
        self.factors = factors
        self.initialScale = initialScale
        self.maximumFutureMilliseconds = maximumFutureMilliseconds
        self.popularityHalfLifeEvents = popularityHalfLifeEvents
        self.windowEvents = windowEvents
        self.evaluationRate = evaluationRate
        self.implicit = implicit
        self.explicit = explicit
        self.memory = memory
    }
}

extension RecommenderSettings {
    /// Reads settings; a field that is missing has its default.
    public init(from decoder: any Decoder) throws {
        self.init()
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.read(.feedback, into: &feedback)
        try fields.read(.seed, into: &seed)
        try fields.read(.factors, into: &factors)
        try fields.read(.initialScale, into: &initialScale)
        try fields.read(.maximumFutureMilliseconds, into: &maximumFutureMilliseconds)
        try fields.read(.popularityHalfLifeEvents, into: &popularityHalfLifeEvents)
        try fields.read(.windowEvents, into: &windowEvents)
        try fields.read(.evaluationRate, into: &evaluationRate)
        try fields.read(.implicit, into: &implicit)
        try fields.read(.explicit, into: &explicit)
        try fields.read(.memory, into: &memory)
    }
}

extension RecommenderSettings.Implicit {
    /// Reads settings; a field that is missing has its default.
    public init(from decoder: any Decoder) throws {
        self.init()
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.read(.repeats, into: &repeats)
        try fields.read(.historyLength, into: &historyLength)
        try fields.read(.historyDecay, into: &historyDecay)
        try fields.read(.negatives, into: &negatives)
        try fields.read(.learningRate, into: &learningRate)
        try fields.read(.initialAccumulator, into: &initialAccumulator)
        try fields.read(.regularization, into: &regularization)
    }
}

extension RecommenderSettings.Explicit {
    /// Reads settings; a field that is missing has its default.
    public init(from decoder: any Decoder) throws {
        self.init()
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.read(.learningRate, into: &learningRate)
        try fields.read(.regularization, into: &regularization)
        try fields.read(.biasLearningRate, into: &biasLearningRate)
        try fields.read(.biasRegularization, into: &biasRegularization)
        try fields.read(.biasRateDecay, into: &biasRateDecay)
        try fields.read(.maximumMagnitude, into: &maximumMagnitude)
    }
}

extension KeyedDecodingContainer {
    func read<Value: Decodable>(_ key: Key, into value: inout Value) throws {
        if let given = try decodeIfPresent(Value.self, forKey: key) { value = given }
    }
}

extension RecommenderSettings {
    /// Checks every field and names the first that is out of range.
    public func validate() throws(LearningError) {
        try check("factors", Double(factors), in: 1...1024)
        try check("initialScale", initialScale, in: 0...10)
        try check("maximumFutureMilliseconds", Double(maximumFutureMilliseconds), in: 0...1e15)
        try check("popularityHalfLifeEvents", popularityHalfLifeEvents, in: 1...1e12)
        try check("windowEvents", Double(windowEvents), in: 1...1_000_000)
        try check("evaluationRate", evaluationRate, in: 0...1)
        try check("implicit.historyLength", Double(implicit.historyLength), in: 0...1000)
        try check("implicit.historyDecay", implicit.historyDecay, in: 0...1)
        try check("implicit.negatives", Double(implicit.negatives), in: 1...10_000)
        try check("implicit.learningRate", implicit.learningRate, in: 1e-9...10)
        try check("implicit.initialAccumulator", implicit.initialAccumulator, in: 1e-9...1e9)
        try check("implicit.regularization", implicit.regularization, in: 0...1)
        try check("explicit.learningRate", explicit.learningRate, in: 1e-9...1)
        try check("explicit.regularization", explicit.regularization, in: 0...1)
        try check("explicit.biasLearningRate", explicit.biasLearningRate, in: 1e-9...1)
        try check("explicit.biasRegularization", explicit.biasRegularization, in: 0...1)
        try check("explicit.biasRateDecay", explicit.biasRateDecay, in: 0...1000)
        try check("explicit.maximumMagnitude", explicit.maximumMagnitude, in: 1e-9...1e30)
        try validateMemory()
    }

    func require(_ wanted: Feedback) throws(LearningError) {
        guard feedback == wanted else {
            throw LearningError(
                .setting,
                "feedback is \(feedback.rawValue), this learner learns from \(wanted.rawValue)",
                remedy: "set feedback to \(wanted.rawValue) or use the other learner"
            )
        }
    }

    func check(
        _ name: String,
        _ value: Double,
        in range: ClosedRange<Double>
    ) throws(LearningError) {
        guard range.contains(value) else {
            throw LearningError(
                .setting,
                "\(name) is \(Self.text(value))",
                remedy: "set it to a number from \(Self.text(range.lowerBound)) "
                    + "to \(Self.text(range.upperBound))"
            )
        }
    }

    private static func text(_ value: Double) -> String {
        abs(value) < 1e15 && value == value.rounded() ? "\(Int64(value))" : "\(value)"
    }
}
