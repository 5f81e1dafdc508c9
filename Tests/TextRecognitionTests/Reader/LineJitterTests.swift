import Learning
import Testing

@testable import TextRecognition

@Suite struct LineJitterTests {
    @Test func `a changed line is nearly the same, and the same for the same numbers`() {
        var image = GrayImage(width: 100, height: 32, filledWith: 220)
        for y in 8..<24 {
            for x in 20..<80 where x % 12 < 6 { image[x, y] = 30 }
        }
        var pictures: [GrayImage] = []
        for key in 0..<20 as Range<UInt64> {
            var (left, right) = (KeyedRandom(key: key), KeyedRandom(key: key))
            let changed = LineJitter.changed(image, &left)
            #expect(changed == LineJitter.changed(image, &right))
            #expect((changed.width, changed.height) == (100, 32))
            let difference = zip(image.pixels, changed.pixels).reduce(0) {
                $0 + abs(Int($1.0) - Int($1.1))
            }
            #expect(difference > 0)
            #expect(difference < 60 * image.pixels.count, "\(difference)")
            #expect(!pictures.contains(changed))
            pictures.append(changed)
        }
    }

    @Test(arguments: [8, 9, 2048])
    func `lines of any width can be changed`(width: Int) {
        var random = KeyedRandom(key: 3)
        let image = GrayImage(width: width, height: 32, filledWith: 100)
        #expect(LineJitter.changed(image, &random).pixels.allSatisfy { (90...110).contains($0) })
    }
}
