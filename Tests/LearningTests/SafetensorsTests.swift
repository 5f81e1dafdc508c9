import Foundation
import Learning
import Testing

struct SafetensorsTests {
    private var sample: NamedTensors {
        var tensors = NamedTensors()
        tensors["bytes"] = Tensor([1, 2, 3] as [UInt8])
        tensors["weights"] = Tensor([1.5, -2, 0, 4, 5, 6] as [Float], shape: [2, 3])
        tensors["sums"] = Tensor([0.1, 0.2] as [Double])
        tensors["empty"] = Tensor([] as [Float], shape: [0, 64])
        tensors["scalar"] = Tensor([7] as [Int64], shape: [])
        return tensors
    }

    private func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
        let length = UInt64(header.utf8.count)
        return withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array(header.utf8) + data
    }

    @Test func `what was encoded is decoded again`() throws {
        let metadata = [("version", "3"), ("note", "a \"quoted\"\n line")]
        let bytes = Safetensors.encode(sample, metadata: metadata).flatMap { $0 }
        let decoded = try Safetensors.decode(bytes)
        #expect(decoded.tensors == sample)
        #expect(decoded.metadata == Dictionary(uniqueKeysWithValues: metadata))
    }

    /// The sample as written by `safetensors.numpy.save` 0.8.0 with metadata {"version": "3"}.
    private let writtenByPython = """
        UAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJ2ZXJzaW9uIjoiMyJ9LCJzY2FsYXIiOnsiZHR5cGUiOiJJNjQiLCJzaGFw
        ZSI6W10sImRhdGFfb2Zmc2V0cyI6WzAsOF19LCJzdW1zIjp7ImR0eXBlIjoiRjY0Iiwic2hhcGUiOlsyXSwiZGF0YV9v
        ZmZzZXRzIjpbOCwyNF19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCw2NF0sImRhdGFfb2Zmc2V0cyI6
        WzI0LDI0XX0sIndlaWdodHMiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0cyI6WzI0LDQ4
        XX0sImJ5dGVzIjp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOls0OCw1MV19fSAgICAgICAH
        AAAAAAAAAJqZmZmZmbk/mpmZmZmZyT8AAMA/AAAAwAAAAAAAAIBAAACgQAAAwEABAgM=
        """

    @Test func `the bytes are those that Python's safetensors writes`() throws {
        let file = try #require(
            Data(base64Encoded: writtenByPython, options: .ignoreUnknownCharacters)
        )
        #expect(
            Safetensors.encode(sample, metadata: [("version", "3")]).flatMap { $0 } == Array(file)
        )
        let decoded = try Safetensors.decode(Array(file))
        #expect(decoded.tensors == sample && decoded.metadata == ["version": "3"])
    }

    @Test func `the same tensors give the same bytes in whatever order they were added`() {
        var other = NamedTensors()
        for name in sample.names.reversed() { other[name] = sample[name] }
        #expect(
            Safetensors.encode(sample, metadata: [("a", "1"), ("b", "2")])
                == Safetensors.encode(other, metadata: [("b", "2"), ("a", "1")])
        )
    }

    @Test func `every tensor begins at a multiple of its element size and data at eight`() {
        let chunks = Safetensors.encode(sample, metadata: [("x", "y")])
        #expect(chunks[0].count % 8 == 0)
        var offset = 0
        let widths = [8, 8, 4, 4, 1]
        for (chunk, width) in zip(chunks.dropFirst(), widths) {
            #expect(offset % width == 0)
            offset += chunk.count
        }
        #expect(chunks.count == 6)
    }

    @Test(arguments: [
        "", "{", "[]", "{}x", "{\"a\":1}", "{\"a\":{}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807,3],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8],\"extra\":1}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"shape\":[8],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
        "{\"__metadata__\":{\"a\":1},\"a\":{\"dtype\":\"U8\",\"shape\":[8],"
            + "\"data_offsets\":[0,8]}}",
    ])
    func `a damaged header is refused`(header: String) {
        let bytes = file(header, data: [UInt8](repeating: 0, count: 8))
        #expect(throws: LearningError.self) { try Safetensors.decode(bytes) }
    }

    @Test func `a header longer than the file is refused`() {
        for length: UInt64 in [100, UInt64.max, 1 << 63, 200_000_000] {
            let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
            #expect(throws: LearningError.self) { try Safetensors.decode(bytes) }
        }
    }

    @Test func `no truncation and no flipped byte traps`() throws {
        let bytes = Safetensors.encode(sample, metadata: [("k", "v")]).flatMap { $0 }
        for count in 0..<bytes.count {
            #expect(throws: LearningError.self) { try Safetensors.decode(Array(bytes[..<count])) }
        }
        for index in bytes.indices {
            for mask: UInt8 in [0x01, 0x80, 0x20] {
                var damaged = bytes
                damaged[index] ^= mask
                _ = try? Safetensors.decode(damaged)
            }
        }
    }
}
