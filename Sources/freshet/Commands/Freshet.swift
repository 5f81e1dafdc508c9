import ArgumentParser
import Foundation

/// The program: its subcommands, and the one place where a command's end becomes an exit status.
@main
struct Freshet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet",
        abstract: "Keeps models as fresh as the stream they learn from.",
        discussion: """
            Events go into Kafka topics, a trainer learns from them as they come, and scorers \
            answer requests with a model that is a fraction of a second old.

            Exit status: 0 done; 1 the work failed; 2 the command line or the configuration is \
            wrong; 3 a broker or scorer did not answer.
            """,
        version: freshetVersion,
        subcommands: subcommands
    )

    /// In the order in which they are needed.
    private static let subcommands: [any ParsableCommand.Type] = [
        QuickstartCommand.self,
        UpCommand.self,
        BrokerCommand.self,
        TopicsCommand.self,
        EventsCommand.self,
        CardsCommand.self,
        TrainCommand.self,
        ScoreCommand.self,
        RecommendCommand.self,
        ReadCommand.self,
        PredictionsCommand.self,
        ModelsCommand.self,
        ConfigCommand.self,
        ProveCommand.self,
    ]

    static func main() async { await main(Array(CommandLine.arguments.dropFirst())) }

    /// Runs a command line and ends the process.
    static func main(_ arguments: [String]?) async {
        Lifeline.hold()
        // A connection that breaks must not end the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            end(.success)
        } catch {
            end(report(error))
        }
    }

    /// Ends the process.
    ///
    /// `exit` alone would be ArgumentParser's.
    private static func end(_ status: ExitStatus) -> Never { Foundation.exit(status.rawValue) }

    /// Tells the person what happened and says what the shell is told.
    static func report(_ error: any Error) -> ExitStatus {
        // ArgumentParser's own errors include the requests for help and version.
        let code = exitCode(for: error)
        if code == .success {
            print(fullMessage(for: error))
            return .success
        }
        if code == .validationFailure {
            Messages.note("\(message(for: error)): see \"freshet --help\"")
            Messages.write(
                fullMessage(for: error).split(separator: "\n").dropFirst().joined(
                    separator: "\n"
                ) + "\n"
            )
            return .misuse
        }
        let failure = CommandFailure(error)
        Messages.note(failure.description)
        return failure.status
    }
}

/// The version of the program.
let freshetVersion = "0.1.0"
