import Learning
import Testing

@testable import TextRecognition

@Suite struct LineJitterTests {
    private func random(_ index: Int) -> KeyedRandom {
        KeyedRandom(seed: 4, purpose: 2, partition: 0, offset: Int64(index))
    }

    @Test func `the same numbers change a line in the same way, others in another`() throws {
        let image = try LineGenerator(seed: 2).line(at: 0).image
        var (first, again, other) = (random(0), random(0), random(1))
        let changed = LineJitter.changed(image, &first)
        #expect(changed == LineJitter.changed(image, &again))
        #expect(changed != LineJitter.changed(image, &other))
        #expect(changed != image)
    }

    @Test func `a changed line has 32 rows, about its width, and its brightness`() throws {
        let lines = try LineGenerator(seed: 3)
        for index in 0..<40 {
            let image = lines.line(at: index).image
            var random = random(index)
            let changed = LineJitter.changed(image, &random)
            #expect(changed.height == PreparedLine.height)
            let width = Double(image.width * PreparedLine.height) / Double(image.height)
            #expect(abs(Double(changed.width) / width - 1) < 0.12)
            #expect(abs(mean(changed) - mean(image)) < 12)
        }
    }

    @Test(arguments: [(1, 1), (1, 400), (400, 1), (3, 3), (5000, 32)])
    func `pictures of any size are changed`(width: Int, height: Int) {
        let image = GrayImage(width: width, height: height, filledWith: 77)
        for index in 0..<8 {
            var random = random(index)
            let changed = LineJitter.changed(image, &random)
            #expect(changed.height == PreparedLine.height && changed.width >= 8)
            #expect(abs(mean(changed) - 77) < 6)
        }
    }

    private func mean(_ image: GrayImage) -> Double {
        Double(image.pixels.reduce(0) { $0 + Int($1) }) / Double(image.pixels.count)
    }
}
