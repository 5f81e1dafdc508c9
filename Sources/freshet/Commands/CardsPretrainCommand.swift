import ArgumentParser
import Foundation
import Learning
import TextRecognition

/// `freshet cards pretrain`: a base model of the recognizer, from synthetic lines alone.
struct CardsPretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Make a base model of the recognizer from synthetic lines.",
        discussion: """
            Draws lines of all kinds of the scenario base and fields of its cards, and trains on \
            each once. The file is written at the end: weights, settings, and the temperature of \
            confidences. The same options give the same bytes on one kind of processor with the \
            same versions of the fonts. One thread; 15 minutes with the defaults.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    @Option(help: "What lines and first weights are drawn from.")
    var seed = Pretraining.Settings().seed

    @Option(help: "Training steps.")
    var steps = Pretraining.Settings().steps

    @Option(help: "Lines of a step.")
    var batch = Pretraining.Settings().batch

    @Option(help: "The highest learning rate; it falls to 0 along a cosine.")
    var learningRate = Pretraining.Settings().learningRate

    @Option(
        help: """
            Lines that the temperature is fitted on, and lines of each scenario that are read at \
            the end, at most 10,000,000.
            """
    )
    var heldOut = 1000

    func validate() throws {
        if !(1...10_000_000).contains(heldOut) {
            throw ValidationError("--held-out is \(heldOut), expected 1 to 10000000")
        }
    }

    func run() throws {
        _ = try common.load()
        try OutputFile.check(output)
        var settings = Pretraining.Settings()
        settings.seed = seed
        settings.steps = steps
        settings.batch = batch
        settings.learningRate = learningRate
        settings.warmUpSteps = min(settings.warmUpSteps, max(0, steps))
        let start = ProcessorTime.seconds()
        let pretraining = try Pretraining(settings)
        try train(pretraining)
        let model = try pretraining.model(calibrationLines: heldOut)
        try StateFile.write(model.encoded, to: output)
        let bytes = model.encoded.reduce(0) { $0 + $1.count }
        Messages.note(
            "model written to \(output): \(readableSize(Int64(bytes))), "
                + "\(grouped(steps * batch)) lines, "
                + "\(Int(ProcessorTime.seconds() - start)) s of processor time"
        )
        let other = LineEvaluation.defaultSeed
        let evaluation = try LineEvaluation(model: model, seed: seed == other ? other + 1 : other)
        try StandardOutput.print(try evaluation.run(CardScenario.allCases, count: heldOut).lines)
    }

    private func train(_ pretraining: Pretraining) throws {
        let interruption = Interruption()
        var progress = Progress("Training", unit: "lines", total: steps * batch)
        defer { progress.finish() }
        var loss: Double?
        while !pretraining.isComplete {
            guard !interruption.isRequested else {
                throw CommandFailure(
                    .failure,
                    "interrupted after \(grouped(pretraining.stepCount)) of \(grouped(steps)) steps",
                    remedy: "nothing was written; the same command begins anew"
                )
            }
            let now = try pretraining.step().loss
            loss = loss.map { $0 + 0.02 * (now - $0) } ?? now
            progress.update(
                pretraining.stepCount * batch,
                note: "loss " + String(format: "%.3f", loss ?? now)
            )
        }
    }
}
