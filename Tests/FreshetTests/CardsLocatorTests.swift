import ArgumentParser
import Foundation
import Testing
import TextRecognition

@testable import freshet

@Suite struct CardsLocatorTests {
    private func inFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-locator-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func `weights are written that can be evaluated`() throws {
        try inFolder { folder in
            let output = folder.appending(path: "locator.safetensors").path
            let command = try CardsPretrainLocatorCommand.parse([
                "--scenes", "2", "--detector-steps", "1", "--corner-steps", "1", "--batch", "2",
                "--output", output,
            ])
            try command.run()
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: output)))
            let evaluation = try LocatorEvaluation(locator: try CardLocator(bytes: bytes), seed: 5)
            let result = try evaluation.run([.base], count: 1)
            #expect(result.rows.count == 1 && result.rows[0].photographs == 1)
            #expect(result.lines.count == 4)
        }
    }

    @Test func `a place where nothing can be written is refused before the work`() throws {
        try inFolder { folder in
            for output in [folder.path, "/none/locator.safetensors"] {
                let command = try CardsPretrainLocatorCommand.parse(["--output", output])
                #expect(throws: CommandFailure.self) { try command.run() }
            }
        }
    }

    @Test func `weights that are none are refused by name`() throws {
        try inFolder { folder in
            let file = folder.appending(path: "damaged.safetensors")
            try Data([1, 2, 3]).write(to: file)
            for path in [file.path, folder.appending(path: "missing").path] {
                let command = try CardsEvaluateLocatorCommand.parse(["--weights", path])
                let error = #expect(throws: CommandFailure.self) { try command.run() }
                #expect(error?.message.contains(path) == true)
            }
        }
    }

    @Test func `cards found are matched with true ones, each once`() {
        let quads = [0.0, 100, 200].map { Quad(x: $0, y: 0, width: 80, height: 50) }
        #expect(LocatorEvaluation.match(quads, quads.reversed()) == [1, 1, 1])
        #expect(LocatorEvaluation.match(quads, [quads[1]]) == [0, 1, 0])
        #expect(LocatorEvaluation.match([quads[0], quads[0]], [quads[0]]) == [1, 0])
        #expect(LocatorEvaluation.match([], quads).isEmpty)
    }
}
