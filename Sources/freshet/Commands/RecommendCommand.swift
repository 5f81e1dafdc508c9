import ArgumentParser
import Foundation
import KafkaClient
import Learning
import Streaming

/// `freshet recommend USER`: asks the scorer through the topics.
struct RecommendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend",
        abstract: "Ask the scorer what a user will like next.",
        discussion: "Exit status 3 when no scorer answers in time."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The user's id.")
    var user: String

    @Option(help: "How many items.")
    var count = 10

    @Option(
        help: ArgumentHelp("Rank only these items, separated by commas.", valueName: "item,…")
    )
    var candidates: String?

    @Flag(help: "Recommend also items that the user has had.")
    var includeSeen = false

    @Option(help: ArgumentHelp("How long to wait for the answer.", valueName: "duration"))
    var timeout = TimeSpan(.seconds(5))

    @Flag(help: "Print the answer as it came.")
    var json = false

    func run() throws {
        let effective = try common.load()
        try effective.require(.recommender, for: "freshet recommend")
        try effective.topicDeclarations().verify(
            try effective.connectedAdmin(),
            timeout: effective.configuration.kafka.timeout.duration,
            roles: [.recommendRequests, .recommendations]
        )
        let client = try RequestClient(effective, of: .recommender)
        var request = RecommendationRequest(request: "freshet-\(UUID().uuidString)", user: user)
        request.count = count
        request.excludeSeen = includeSeen ? false : nil
        request.candidates = candidates?.split(separator: ",").map(String.init)
        request.model = common.model
        guard let answer = try client.ask(request, timeout: timeout.duration) else {
            throw CommandFailure(
                .unreachable,
                "no scorer answered within \(timeout.settingText)",
                remedy: "start one with \"freshet up\" or \"freshet score\", or wait longer with "
                    + "--timeout"
            )
        }
        let output = LineWriter.standardOutput()
        if json {
            try output.line(answer.bytes)
        } else if answer.recommendation.error == nil {
            for line in answer.recommendation.lines { try output.line(line) }
        }
        try output.flush()
        if let error = answer.recommendation.error {
            throw CommandFailure(
                .failure,
                "the scorer refused the request (\(error))",
                remedy: "correct the request"
            )
        }
    }
}
