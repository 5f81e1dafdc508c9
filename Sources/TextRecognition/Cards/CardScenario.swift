/// What synthetic lines and cards look like: the world that a model was made for, and ways in which
/// it may change.
public enum CardScenario: String, Sendable, CaseIterable {
    /// What the base model is trained on.
    case base
    /// Everything is printed in a font that no other scenario has.
    case newFont = "new-font"
    /// Light letters, embossed, on dark bands.
    case inversePrint = "inverse-print"
    /// Numbers are built in ways that no other scenario has.
    case newNumberFormat = "new-number-format"
    /// Few pixels, blurred by hand and lens, noisy, strongly compressed.
    case worseCamera = "worse-camera"

    /// Patterns of the numbers that identify a document or a person.
    var numberPatterns: [String] { self == .newNumberFormat ? Self.newPatterns : Self.basePatterns }

    /// Letters that are easily taken for digits stand only where no digit may, as issuers do it.
    private static let basePatterns = [
        #"[A-Z]{2}\d{7}"#, #"[A-Z]\d{8}"#, #"\d{9}"#, #"\d{10,12}"#, #"\d{2}[A-Z]{2}\d{5}"#,
        #"[A-Z]{3}\d{6}"#, #"\d{3}-\d{2}-\d{4}"#, #"\d{3} \d{3} \d{3}"#,
        #"[A-HJ-NPR-Z0-9]{9}"#, #"\d{4} \d{4} \d{4} \d{4}"#, #"\d{6}/\d{3,4}"#,
        #"[A-Z]{1,2}-\d{4,6}"#, #"\d{2}\.\d{3}\.\d{3}"#, #"(NO|NR|ID)[ :]\d{5,8}"#,
        #"[A-HJ-NPR-Z]{4}\d{6}[A-HJ-NPR-Z0-9]{2}"#, #"[A-Z]{2} \d{2} \d{4} \d{4}"#, #"\d{1,5}"#,
        #"[A-Z]\.\d{3}\.\d{3}"#, #"\d{2}/\d{5}/[A-Z]{2}"#,
    ]

    private static let newPatterns = [
        #"\d{3}:\d{3}/[A-HJ-NPR-Z]{2}<\d"#, #"[A-Z]<\d{4}<\d{4}-[A-HJ-NPR-Z0-9]"#,
        #"\d{2}<[A-Z]{3}<\d{2}:\d{2}"#,
        #"[A-HJ-NPR-Z0-9]{4}-[A-HJ-NPR-Z0-9]{4}-[A-HJ-NPR-Z0-9]{4}"#,
        #"\d{5}\.[A-Z]\.\d{2}\.\d{2}"#, #"[A-Z]{2}/\d{2}/[A-Z]{2}/\d{4}"#,
    ]
}
