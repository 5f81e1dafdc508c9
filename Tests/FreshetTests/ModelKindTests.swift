import Foundation
import Learning
import ModelStore
import Recommendation
import Testing

@testable import freshet

@Suite struct ModelKindTests {
    private func effective(_ settings: [(String, String)]) throws -> EffectiveConfiguration {
        try EffectiveConfiguration(
            overrides: settings.map { .init(key: $0.0, value: $0.1, flag: "--set") },
            exists: { _ in false }
        )
    }

    private func complaint(_ settings: [(String, String)]) -> ConfigurationError? {
        do {
            _ = try effective(settings)
            return nil
        } catch {
            return error as? ConfigurationError
        }
    }

    @Test(arguments: ModelKind.allCases)
    func `a kind is called as its settings say, and so is its model`(kind: ModelKind) throws {
        #expect(kind.settings.kind == kind.rawValue)
        let configuration = try effective([("model.kind", kind.rawValue)]).configuration
        #expect(configuration == kind.defaults)
        #expect(configuration.model.name == kind.rawValue)
        try configuration.model.settings.validate()
    }

    @Test(arguments: [("model.kind", "soothsayer"), ("model", "{kind: soothsayer}")])
    func `a kind that does not exist is refused with those that do`(key: String, value: String) {
        let error = complaint([(key, value)])
        #expect(error?.kind == .wrongType)
        #expect(error?.message.contains("\"model.kind\" is \"soothsayer\"") == true)
        #expect(error?.message.contains("one of recommender, reader") == true)
    }

    @Test func `the kind comes from the last layer that names one`() throws {
        let error = complaint([("model.kind", "soothsayer"), ("model.kind", "recommender")])
        #expect(error == nil)
        #expect(complaint([("model", "{name: mine}")]) == nil)
    }

    @Test func `models that differ in a setting, or in nothing, are told apart`() throws {
        let model = try effective([("model.settings.factors", "8")]).configuration.model
        #expect(model != Configuration.Model())
        #expect(model == (try effective([("model.settings.factors", "8")]).configuration.model))
        #expect((model.settings as? RecommenderSettings)?.factors == 8)
    }

    @Test func `what a version keeps of its settings leads back to them`() throws {
        let settings = RecommenderSettings(feedback: .explicit, factors: 3)
        #expect(settings.storedText.hasPrefix("{\"evaluationRate\":0,"))
        #expect(settings.storedText.contains("\"kind\":\"recommender\""))
        #expect(try RecommenderSettings(storedText: settings.storedText) == settings)
        let read = try VersionLearner.settings(storedText: settings.storedText, of: "version 1")
        #expect(read as? RecommenderSettings == settings)
    }

    @Test func `settings of a version that is older than kinds are a recommender's`() throws {
        let text = #"{"feedback":"explicit","factors":3}"#
        let read = try VersionLearner.settings(storedText: text, of: "version 1")
        #expect(
            read as? RecommenderSettings == RecommenderSettings(feedback: .explicit, factors: 3)
        )
    }

    @Test(arguments: [#"{"kind":"soothsayer"}"#, #"{"kind":"recommender","factors":"many"}"#, "["])
    func `settings of a version that cannot be read are refused with its name`(text: String) {
        let error = #expect(throws: CommandFailure.self) {
            try VersionLearner.settings(storedText: text, of: "version 1")
        }
        #expect(error?.message.contains("version 1") == true)
    }

    @Test func `settings of another kind are refused with both`() {
        let error = #expect(throws: LearningError.self) {
            try RecommenderSettings(storedText: #"{"kind":"soothsayer"}"#)
        }
        #expect(error?.message == "the model is a soothsayer, not a recommender")
    }
}
