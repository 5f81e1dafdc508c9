import ArgumentParser
import Foundation
import ModelStore
import Pipeline

/// `freshet models why ANSWER`: the events behind an answer.
struct ModelsWhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Show which events are behind an answer of the scorer.",
        discussion: """
            Version and position of the answer lead to the exact offsets that the model had \
            learned; of those, the last that named the user and each item are searched in the log.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The answer as JSON, as \"recommend --json\" prints it; - for standard input.")
    var answer: String

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
        let effective = try common.load()
        let answer = try decoded()
        let store = try effective.modelStore(mustExist: true)
        let trace = try AnswerTrace(answer, effective, store)
        try StandardOutput.print(trace, json: json, trace.lines)
    }

    private func decoded() throws(CommandFailure) -> Recommendation {
        let bytes =
            answer == "-"
            ? Array(FileHandle.standardInput.readDataToEndOfFile()) : Array(answer.utf8)
        guard let decoded = Recommendation(bytes: bytes) else {
            throw CommandFailure(
                .misuse,
                "\"\(String(decoding: bytes, as: UTF8.self).prefix(80))\" is no answer",
                remedy: "give one as \"freshet recommend USER --json\" prints it"
            )
        }
        return decoded
    }
}
