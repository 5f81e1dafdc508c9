import Foundation

@testable import TextRecognition

/// The pictures that `Tests/Reference/images.py` made, and what Pillow reads in them.
enum ReferenceImages {
    struct Picture: Decodable {
        let width: Int
        let height: Int
        let pixels: Data
    }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Reference/images")

    static func expected() throws -> [String: Picture] {
        let json = try Data(contentsOf: folder.appending(path: "images.json"))
        return try JSONDecoder().decode([String: Picture].self, from: json)
    }

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }.sorted()
    }

    static func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    /// A picture that is smooth and different everywhere.
    static func gradient(width: Int, height: Int) -> GrayImage {
        GrayImage(width: width, height: height) { pixels in
            for index in pixels.indices {
                pixels[index] = UInt8(
                    index % width * 200 / width + index / width * 55 / height
                )
            }
        }
    }
}
