import ArgumentParser
import Foundation
import TextRecognition

/// `freshet cards pretrain-locator`: the networks that find cards, from synthetic scenes alone.
struct CardsPretrainLocatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain-locator",
        abstract: "Make the weights that find cards, from synthetic scenes.",
        discussion: """
            Draws scenes, then trains the network that looks at the whole photograph, then the one \
            that looks at the part around a card. The file is written at the end. The same options \
            give the same bytes on one kind of processor with the same versions of the fonts. One \
            thread; some five minutes with the defaults.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    @Option(help: "What scenes and first weights are drawn from.")
    var seed = LocatorPretraining.Settings().seed

    @Option(help: "Scenes to learn from; each takes 77 KB of memory.")
    var scenes = LocatorPretraining.Settings().scenes

    @Option(help: "Training steps of the network that looks at the whole photograph.")
    var detectorSteps = LocatorPretraining.Settings().detectorSteps

    @Option(help: "Training steps of the network that looks at the part around a card.")
    var cornerSteps = LocatorPretraining.Settings().cornerSteps

    @Option(help: "Pictures of a step.")
    var batch = LocatorPretraining.Settings().batch

    @Option(help: "The highest learning rate; it falls to 0 along a cosine.")
    var learningRate = LocatorPretraining.Settings().learningRate

    func run() throws {
        _ = try common.load()
        try OutputFile.check(output)
        var settings = LocatorPretraining.Settings()
        settings.seed = seed
        settings.scenes = scenes
        settings.detectorSteps = detectorSteps
        settings.cornerSteps = cornerSteps
        settings.batch = batch
        settings.learningRate = learningRate
        let start = ProcessorTime.seconds()
        let pretraining = try LocatorPretraining(settings)
        try train(pretraining)
        let pieces = pretraining.encoded
        try StateFile.write(pieces, to: output)
        let bytes = pieces.reduce(0) { $0 + $1.count }
        Messages.note(
            "weights written to \(output): \(readableSize(Int64(bytes))), "
                + "\(Int(ProcessorTime.seconds() - start)) s of processor time"
        )
    }

    private func train(_ pretraining: LocatorPretraining) throws {
        let interruption = Interruption()
        var progress = Progress("Training", unit: "steps", total: pretraining.totalCount)
        defer { progress.finish() }
        while pretraining.stage != nil {
            guard !interruption.isRequested else {
                let (done, all) = (pretraining.doneCount, pretraining.totalCount)
                throw CommandFailure(
                    .failure,
                    "interrupted after \(grouped(done)) of \(grouped(all)) scenes and steps",
                    remedy: "nothing was written; the same command begins anew"
                )
            }
            _ = try pretraining.advance()
            progress.update(pretraining.doneCount)
        }
    }
}
