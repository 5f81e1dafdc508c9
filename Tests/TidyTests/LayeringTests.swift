import Foundation
import Testing

/// Who may import whom: the section "Layout" of the design, as a table.
@Suite struct LayeringTests {
    /// What each target may import beyond the platform's own modules; `freshet` may import all.
    private static let allowed: [String: Set<String>] = [
        "Streaming": [],
        "KafkaClient": ["Streaming", "CLibrdkafka"],
        "KafkaWire": [],
        "KafkaBroker": [
            "KafkaWire", "CKernels", "CZlib", "CLZ4", "CZstd", "CSnappy", "GRDB", "Logging",
            "NIOCore", "NIOPosix",
        ],
        "Learning": ["COpenBLAS", "CKernels"],
        "Recommendation": ["Learning", "CKernels"],
        "TextRecognition": ["Learning", "CBaseModel", "CCardLocator", "CImages", "CFreeType"],
        "ModelStore": ["COpenSSL", "GRDB"],
        "Pipeline": ["Learning", "Streaming", "ModelStore", "Histogram", "Logging"],
    ]

    /// Modules of the platform, open to all.
    private static let platform: Set = [
        "Dispatch", "Foundation", "Glibc", "Swift", "Synchronization",
    ]

    /// C libraries and packages that are wrapped once; also `freshet` may not go past the wrapper.
    private static let wrapped: Set = [
        "CBaseModel", "CCardLocator", "CFreeType", "CImages", "CJPEG", "CKernels", "CLibrdkafka",
        "CLZ4", "COpenBLAS", "COpenSSL", "CPNG", "CSnappy", "CZlib", "CZstd", "GRDB",
    ]

    /// What is not shipped and has its own places, by folder.
    private static let allowedOutside: [String: Set<String>] = [
        "Fuzz/Cases": ["KafkaBroker", "KafkaWire", "KafkaSamples", "CKernels"],
        "Fuzz/Images": ["FuzzCases", "KafkaSamples", "TextRecognition"],
        "Fuzz/freshet-fuzz": [
            "FuzzCases", "FuzzImages", "CAllocationCount", "KafkaBroker", "Logging",
        ],
        "Tests/KafkaSamples": ["KafkaWire", "CKernels", "CZlib", "CLZ4", "CZstd", "CSnappy"],
    ]

    @Test func `the fuzz target goes in by the broker's doors`() throws {
        for (folder, modules) in Self.allowedOutside {
            let sources = try PackageFiles.swiftSources().filter { $0.path.hasPrefix(folder + "/") }
            #expect(!sources.isEmpty, "\(folder) is gone: take it from the table above")
            for source in sources {
                let isInside = source.codeLines.contains { $0.contains("@testable") }
                #expect(!isInside, "\(source.path) goes past the doors")
                for module in source.imports where !Self.platform.contains(module) {
                    #expect(modules.contains(module), "\(source.path) may not import \(module)")
                }
            }
        }
        for folder in try PackageFiles.names(in: "Fuzz") {
            let isSwift = PackageFiles.paths(below: "Fuzz/\(folder)")
                .contains { $0.hasSuffix(".swift") }
            #expect(
                !isSwift || Self.allowedOutside["Fuzz/\(folder)"] != nil,
                "say in the table above what Fuzz/\(folder) may import"
            )
        }
    }

    @Test func `imports run downwards only`() throws {
        for source in try PackageFiles.swiftSources() where source.path.hasPrefix("Sources/") {
            let target = String(source.path.split(separator: "/")[1])
            for module in source.imports {
                #expect(
                    Self.mayImport(target, module),
                    "\(source.path): \(target) may not import \(module)"
                )
            }
        }
    }

    @Test func `every target has its place in the layout`() throws {
        for target in try PackageFiles.names(in: "Sources") where target != "freshet" {
            let isSwift = PackageFiles.paths(below: "Sources/\(target)")
                .contains { $0.hasSuffix(".swift") }
            #expect(
                !isSwift || Self.allowed[target] != nil,
                "say in the table above what \(target) may import"
            )
        }
    }

    @Test func `a system library is a module map and a shim, nothing else`() throws {
        for target in try PackageFiles.names(in: "Sources") {
            let paths = PackageFiles.paths(below: "Sources/\(target)")
            let folder = "Sources/\(target)/"
            guard paths.contains(folder + "module.modulemap") else { continue }
            #expect(paths == [folder + "module.modulemap", folder + "shim.h"])
        }
    }

    @Test func `the compiler knows every feature that the package names`() throws {
        let package = try PackageFiles.text("Package.swift")
        let named = package.matches(of: /enable(?:Upcoming|Experimental)Feature\("(\w+)"\)/)
            .map { String($0.1) }
        let known = try Self.featureNames(
            in: Program.output(of: "swiftc", "-print-supported-features")
        )
        #expect(!named.isEmpty && known.contains("ExistentialAny"))
        for feature in named {
            #expect(known.contains(feature), "Package.swift: the compiler ignores \(feature)")
        }
    }

    @Test func `the table refuses what it should`() {
        #expect(Self.mayImport("Pipeline", "Learning"))
        #expect(Self.mayImport("freshet", "Recommendation"))
        #expect(Self.mayImport("Learning", "Foundation"))
        #expect(!Self.mayImport("Pipeline", "Recommendation"))
        #expect(!Self.mayImport("Learning", "Streaming"))
        #expect(!Self.mayImport("Pipeline", "CLibrdkafka"))
        #expect(!Self.mayImport("freshet", "GRDB"))
    }

    private static func mayImport(_ target: String, _ module: String) -> Bool {
        if platform.contains(module) { return true }
        if target == "freshet" { return !wrapped.contains(module) }
        return allowed[target]?.contains(module) == true
    }

    private struct SupportedFeatures: Decodable {
        struct Feature: Decodable { let name: String }
        let features: [String: [Feature]]
    }

    private static func featureNames(in json: Data) throws -> Set<String> {
        let supported = try JSONDecoder().decode(SupportedFeatures.self, from: json)
        return Set(supported.features.values.joined().map(\.name))
    }
}
