import CBaseModel
import Foundation
public import Learning

/// A trained recognizer as one file: the tensors `model.…`, and what they need in the metadata.
///
/// What begins to read or to learn begins with one: `RecognizerModel.base()` is the one that comes
/// with Freshet.
public struct RecognizerModel: Sendable, Equatable {
    /// The settings that the tensors fit.
    public var settings: RecognizerSettings
    /// Averaged parameters and statistics: what `LineRecognizer` and `LineTrainer` begin with.
    public var tensors: NamedTensors
    /// What scores are divided by before they become confidences.
    public var temperature: Float
    /// How it was made; nil when that is not known.
    public var pretraining: Pretraining.Settings?

    /// Describes a model.
    public init(
        settings: RecognizerSettings,
        tensors: NamedTensors,
        temperature: Float = 1,
        pretraining: Pretraining.Settings? = nil
    ) {
        self.settings = settings
        self.tensors = tensors
        self.temperature = temperature
        self.pretraining = pretraining
    }

    /// The model that comes with Freshet; docs/recognizer.md says how it was made.
    public static func base() throws(LearningError) -> RecognizerModel {
        let bytes = UnsafeBufferPointer(start: cb_base_model(), count: cb_base_model_size())
        return try RecognizerModel(bytes: Array(bytes))
    }

    /// Reads a file that `encoded` gave.
    ///
    /// Throws when it is damaged, is another kind of file, or its tensors do not fit its settings.
    public init(bytes: [UInt8]) throws(LearningError) {
        let (tensors, metadata) = try Safetensors.decode(bytes)
        settings = try Self.value("recognizer", of: metadata)
        temperature = try Self.value("temperature", of: metadata)
        pretraining =
            metadata["pretraining"] == nil ? nil : try Self.value("pretraining", of: metadata)
        self.tensors = tensors
        guard temperature.isFinite, temperature > 0 else {
            throw LearningError(
                .format,
                "the temperature of the model is \(temperature)",
                remedy: "the file is damaged; write it again"
            )
        }
        _ = try recognizer()
    }

    /// What reads lines.
    ///
    /// Throws when a tensor is missing or does not fit the settings.
    public func recognizer() throws(LearningError) -> LineRecognizer {
        try LineRecognizer(settings: settings, state: tensors, prefix: LineTrainer.modelPrefix)
    }

    /// The file, in pieces; the same model gives the same bytes.
    public var encoded: [[UInt8]] {
        var metadata = [
            ("format", "freshet text recognizer"),
            ("recognizer", Self.text(settings)),
            ("temperature", Self.text(temperature)),
        ]
        if let pretraining { metadata.append(("pretraining", Self.text(pretraining))) }
        return Safetensors.encode(tensors, metadata: metadata)
    }

    private static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            // Settings that were checked hold finite numbers only.
            preconditionFailure("\(error)")
        }
    }

    private static func value<Value: Decodable>(
        _ key: String,
        of metadata: [String: String]
    ) throws(LearningError) -> Value {
        guard let text = metadata[key] else {
            throw LearningError(
                .format,
                "the file has no \"\(key)\" in its metadata",
                remedy: "give a file that freshet cards pretrain wrote"
            )
        }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw LearningError(
                .format,
                "the metadata \"\(key)\" of the model is \"\(text.prefix(80))\"",
                remedy: "give a file that freshet cards pretrain wrote"
            )
        }
    }
}
