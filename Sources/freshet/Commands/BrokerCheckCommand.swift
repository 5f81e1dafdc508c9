import ArgumentParser
import KafkaBroker

/// `freshet broker check`: verifies a data directory while no broker uses it.
struct BrokerCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read all data of a stopped broker and tell what is damaged; change nothing.",
        discussion: """
            Every batch, record, index and table is read. Each finding is a line with file and \
            byte. Exit status 1 when something is damaged; what a kill leaves behind is no damage.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The data directory (default: broker.data).")
    var directory: String?

    func run() throws {
        let directory = try directory ?? common.load().configuration.broker.data
        let output = LineWriter.standardOutput()
        var failure: (any Error)?
        var progress = Progress("Reading", unit: "MiB", total: nil)
        let check = try DataCheck(directory) { byteCount in
            progress.update(byteCount >> 20)
        } report: { finding in
            do { try output.line(finding.description) } catch { failure = error }
        }
        try check.run()
        progress.finish()
        if let failure { throw failure }
        for line in Self.lines(check.summary) { try output.line(line) }
        try output.flush()
        guard check.summary.damageCount == 0 else {
            throw CommandFailure(
                .failure,
                "\(directory) is damaged (\(check.summary.damageCount) findings)",
                remedy: "keep a copy of it; a start with --set broker.check_everything=true puts "
                    + "what follows damage in a log into quarantine"
            )
        }
    }

    private static func lines(_ summary: DataCheck.Summary) -> [String] {
        [
            "\(grouped(summary.topicCount)) topics, \(grouped(summary.partitionCount)) partitions,"
                + " \(grouped(summary.segmentCount)) segments of"
                + " \(readableSize(Int64(summary.byteCount)))",
            "\(grouped(summary.recordCount)) records in \(grouped(summary.batchCount)) batches",
            summary.wasClosedCleanly ? "the last stop was in order" : "the last stop was a crash",
        ] + summary.openTransactions.map { "open transaction: \($0)" }
            + (summary.damageCount == 0 ? ["no damage"] : [])
    }
}
