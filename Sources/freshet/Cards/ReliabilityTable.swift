import Foundation
import TextRecognition

/// How often readings are right beside how sure they were: equal when confidences mean something.
struct ReliabilityTable: Encodable {
    /// Readings of about the same confidence.
    struct Bin: Encodable {
        /// Confidences from here to the next bin's.
        let from: Double
        /// Readings.
        var lines = 0
        /// Those without an error.
        var right = 0
        /// The mean of their confidences.
        var confidence = 0.0

        /// The share of right ones.
        var share: Double { lines > 0 ? Double(right) / Double(lines) : 0 }
    }

    /// Narrower where most readings are.
    private(set) var bins = [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99].map { Bin(from: $0) }

    /// Counts a reading.
    mutating func add(_ reading: Reading, truth: String) {
        let isRight = reading.text.filter { $0 != " " } == truth.filter { $0 != " " }
        let index = bins.lastIndex { reading.confidence >= $0.from } ?? 0
        bins[index].lines += 1
        bins[index].right += isRight ? 1 : 0
        bins[index].confidence +=
            (reading.confidence - bins[index].confidence) / Double(bins[index].lines)
    }

    /// The mean distance of confidence and share of right readings, over lines.
    var calibrationError: Double {
        let total = bins.reduce(0) { $0 + $1.lines }
        guard total > 0 else { return 0 }
        return bins.reduce(0) { $0 + abs($1.confidence - $1.share) * Double($1.lines) }
            / Double(total)
    }

    /// The table for people.
    var lines: [String] {
        var table = TextTable(["confidence", "lines", "mean confidence", "right"])
        for (index, bin) in bins.enumerated() where bin.lines > 0 {
            let end = index + 1 < bins.count ? bins[index + 1].from : 1
            table.add([
                String(format: "%.2f to %.2f", bin.from, end), grouped(bin.lines),
                LineEvaluation.Result.percent(bin.confidence, digits: 1),
                LineEvaluation.Result.percent(bin.share, digits: 1),
            ])
        }
        let error = LineEvaluation.Result.percent(calibrationError, digits: 2)
        return table.lines + ["calibration error \(error)"]
    }
}
