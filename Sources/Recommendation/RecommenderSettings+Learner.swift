public import Learning

extension RecommenderSettings: LearnerSettings {
    /// `recommender`.
    public static let kind = "recommender"

    /// Settings with their defaults.
    public init() { self.init(feedback: .implicit) }

    /// The learner of this feedback.
    public var learner: any ConfiguredLearner {
        switch feedback {
        case .implicit: Configured(ImplicitRecommender.self, self)
        case .explicit: Configured(ExplicitRecommender.self, self)
        }
    }
}
