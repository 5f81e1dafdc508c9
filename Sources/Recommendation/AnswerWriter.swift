import Learning

/// Writes answers as JSON by hand: an encoder costs more than the ranking.
enum AnswerWriter {
    /// The answer to a ranked request.
    static func write(_ ranking: Ranking, model: RecommenderModel, stamp: ModelStamp) -> Answer {
        guard ranking.isFinite else {
            return refuse(
                RecommendRequest.Refusal(
                    echo: ranking.request.echo,
                    reason: "the model diverged: it holds numbers that are not finite; "
                        + "roll back to an earlier version or lower the learning rate"
                ),
                stamp: stamp
            )
        }
        var text: [UInt8] = []
        text.reserveCapacity(128 + 48 * ranking.request.count)
        text.append(contentsOf: "{\"request\":".utf8)
        text.append(contentsOf: ranking.request.echo)
        text.append(contentsOf: ",\"user\":".utf8)
        JSONText.append(ranking.request.user, to: &text)
        text.append(contentsOf: ",\"items\":[".utf8)
        for (place, entry) in ranking.top.sorted.enumerated() {
            text.append(contentsOf: (place == 0 ? "{\"item\":" : ",{\"item\":").utf8)
            JSONText.append(model.items[entry.row], to: &text)
            let score = model.shownScore(entry.score, user: ranking.user)
            text.append(contentsOf: ",\"score\":\(score)}".utf8)
        }
        text.append(UInt8(ascii: "]"))
        if ranking.user == nil { text.append(contentsOf: ",\"cold_start\":true".utf8) }
        if !ranking.unknownCandidates.isEmpty {
            text.append(contentsOf: ",\"unknown_candidates\":[".utf8)
            for (place, id) in ranking.unknownCandidates.enumerated() {
                if place > 0 { text.append(UInt8(ascii: ",")) }
                JSONText.append(id, to: &text)
            }
            text.append(UInt8(ascii: "]"))
        }
        text.append(contentsOf: ",\"model\":".utf8)
        JSONText.append(stamp.model.utf8, to: &text)
        text.append(
            contentsOf: (",\"version\":\(stamp.version),\"sequence\":\(stamp.sequence)"
                + ",\"watermark\":\(stamp.watermark),\"position\":\(stamp.position)}").utf8
        )
        return Answer(value: text)
    }

    /// A refusal, addressed to the asker when the request could be named.
    static func refuse(_ refusal: RecommendRequest.Refusal, stamp: ModelStamp) -> Answer {
        guard let echo = refusal.echo else { return Answer(value: nil, refusal: refusal.reason) }
        var text = Array("{\"request\":".utf8)
        text.append(contentsOf: echo)
        text.append(contentsOf: ",\"error\":".utf8)
        JSONText.append(refusal.reason.utf8, to: &text)
        text.append(contentsOf: ",\"model\":".utf8)
        JSONText.append(stamp.model.utf8, to: &text)
        text.append(UInt8(ascii: "}"))
        return Answer(value: text, refusal: refusal.reason)
    }
}
