import Foundation
import Learning
import Testing

struct SafetensorsFileTests {
    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "freshet-\(UUID().uuidString).safetensors")
        try Data(bytes).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        try body(path.path)
    }

    private var sample: NamedTensors {
        var tensors = NamedTensors()
        tensors["bytes"] = Tensor((0..<200).map { UInt8($0) })
        tensors["weights"] = Tensor((0..<600).map { Float($0) }, shape: [200, 3])
        tensors["empty"] = Tensor([] as [Double], shape: [0, 64])
        return tensors
    }

    private var sampleFile: [UInt8] {
        Safetensors.encode(sample, metadata: [("k", "v")]).flatMap { $0 }
    }

    @Test func `a file gives what decoding it gives, whole and in pieces`() throws {
        try withFile(sampleFile) { path in
            let file = try SafetensorsFile(path: path)
            #expect(file.metadata == ["k": "v"])
            #expect(!file.contains("nothing"))
            for name in sample.names {
                let tensor = try #require(sample[name])
                #expect(file.contains(name))
                #expect(try file.type(of: name).elementType == tensor.elementType)
                #expect(try file.type(of: name).shape == tensor.shape)
                var bytes = [UInt8](repeating: 0, count: tensor.bytes.count)
                for start in stride(from: 0, to: bytes.count, by: 7) {
                    let end = min(start + 7, bytes.count)
                    try bytes.withUnsafeMutableBytes {
                        let part = UnsafeMutableRawBufferPointer(rebasing: $0[start..<end])
                        try file.read(name, at: start, into: part)
                    }
                }
                #expect(bytes == tensor.bytes)
            }
            #expect(try file.values("weights", shape: [-1, 3]) == (0..<600).map { Float($0) })
        }
    }

    @Test func `what a tensor does not have is refused`() throws {
        try withFile(sampleFile) { path in
            let sources: [any TensorSource] = [try SafetensorsFile(path: path), sample]
            for source in sources {
                #expect(throws: LearningError.self) { try source.type(of: "nothing") }
                #expect(throws: LearningError.self) {
                    try source.values("weights", of: Int32.self)
                }
                #expect(throws: LearningError.self) {
                    try source.values("weights", of: Float.self, shape: [-1, 4])
                }
                var byte: UInt8 = 0
                withUnsafeMutableBytes(of: &byte) { byte in
                    for offset in [-1, 200] {
                        #expect(throws: LearningError.self) {
                            try source.read("bytes", at: offset, into: byte)
                        }
                    }
                }
            }
        }
    }

    @Test func `a file that is missing, cut or changed is refused`() throws {
        #expect(throws: LearningError.self) { try SafetensorsFile(path: "/nothing/here") }
        let bytes = sampleFile
        for count in [0, 7, 8, 9, 100, bytes.count - 1] {
            try withFile(Array(bytes[..<count])) { path in
                #expect(throws: LearningError.self) { try SafetensorsFile(path: path) }
            }
        }
        try withFile(bytes + [0]) { path in
            #expect(throws: LearningError.self) { try SafetensorsFile(path: path) }
        }
        try withFile(bytes) { path in
            let file = try SafetensorsFile(path: path)
            truncate(path, off_t(bytes.count - 1))
            let error = #expect(throws: LearningError.self) {
                try file.values("bytes", of: UInt8.self)
            }
            #expect(error?.kind == .unreadable)
        }
    }
}
