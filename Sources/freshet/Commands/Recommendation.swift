import Foundation

/// A question to the scorer, as on `recommend-requests`.
struct RecommendationRequest: Codable, Equatable {
    var request: String
    var user: String
    var count: Int?
    var excludeSeen: Bool?
    var candidates: [String]?
    var model: String?

    private enum CodingKeys: String, CodingKey {
        case request, user, count, candidates, model
        case excludeSeen = "exclude_seen"
    }
}

/// An answer of the scorer, as on `recommendations`.
struct Recommendation: Codable, Equatable {
    /// An item and how well it fits; comparable within one answer only.
    struct Item: Codable, Equatable {
        var item: String
        var score: Double
    }

    var request: String
    var user: String?
    var items: [Item]?
    var error: String?
    var model: String?
    var version: Int64?
    var sequence: Int64?
    var watermark: Int64?
    var position: Int64?

    /// The answer in bytes; nil when they are none.
    init?(bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            return nil
        }
        self = value
    }

    /// The answer for people: a row per item, then where it comes from.
    var lines: [String] {
        var table = TextTable(["RANK", "ITEM", "SCORE"])
        for (index, item) in (items ?? []).enumerated() {
            table.add(["\(index + 1)", item.item, Self.text(item.score)])
        }
        return (items ?? []).isEmpty
            ? ["no items: the model has learned nothing yet, or all candidates are unknown", stamp]
            : table.lines + [stamp]
    }

    /// The answer on one line.
    var summary: String {
        let list = (items ?? []).map { "\($0.item) (\(Self.text($0.score)))" }
            .joined(separator: ", ")
        return "\(user ?? "?"): \(error.map { "refused: \($0)" } ?? list)  [\(stamp)]"
    }

    private var stamp: String {
        "model \(model ?? "?") version \(version ?? 0) sequence \(sequence ?? 0)"
    }

    private static func text(_ score: Double) -> String { String(format: "%.4f", score) }
}
