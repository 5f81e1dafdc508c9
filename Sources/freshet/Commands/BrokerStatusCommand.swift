import Learning
import ArgumentParser
import Foundation
import Learning

/// `freshet broker status`: what a running broker holds.
struct BrokerStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show topics, groups, transactions and put aside data of a running broker.",
        discussion: "Asks the broker at --bootstrap. Exit status 3 when it does not answer."
    )

    @OptionGroup var common: CommonOptions

    @Option(
        help: ArgumentHelp(
            "Where the broker's data directory is on this machine, if it calls it otherwise."
        )
    )
    var data: String?

    @Flag(help: "Print a JSON object, with all partitions.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let connection = try BrokerConnection(
            effective.configuration.kafka.bootstrapServers,
            timeout: effective.configuration.kafka.timeout.duration
        )
        let status = try BrokerStatus(
            connection,
            data: data,
            now: Int64(Date().timeIntervalSince1970 * 1000)
        )
        try StandardOutput.print(status, json: json, status.lines)
    }
}
