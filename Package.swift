// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func systemLibrary(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

let targets: [Target] = [
    systemLibrary("CLibrdkafka", pkgConfig: "rdkafka", debian: "librdkafka-dev"),
    systemLibrary("COpenBLAS", pkgConfig: "openblas", debian: "libopenblas-dev"),
    systemLibrary("COpenSSL", pkgConfig: "libcrypto", debian: "libssl-dev"),
    systemLibrary("CPNG", pkgConfig: "libpng", debian: "libpng-dev"),
    systemLibrary("CJPEG", pkgConfig: "libjpeg", debian: "libjpeg-dev"),
    systemLibrary("CFreeType", pkgConfig: "freetype2", debian: "libfreetype-dev"),
    systemLibrary("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
    systemLibrary("CLZ4", pkgConfig: "liblz4", debian: "liblz4-dev"),
    systemLibrary("CZstd", pkgConfig: "libzstd", debian: "libzstd-dev"),
    .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
    .target(name: "CKernels"),
    .target(name: "CAllocator"),
    .target(name: "CBaseModel", exclude: ["base.safetensors"]),
    .target(name: "CCardLocator", exclude: ["locator.safetensors"]),
    .target(name: "CImages", dependencies: ["CPNG", "CJPEG"]),

    module("Streaming"),
    module("KafkaClient", ["Streaming", "CLibrdkafka"]),
    module("KafkaWire"),
    module(
        "KafkaBroker",
        ["KafkaWire", "CKernels", "CZlib", "CLZ4", "CZstd", "CSnappy", grdb, logging] + nio
    ),
    module("Learning", ["COpenBLAS", "CKernels"]),
    module("Recommendation", ["Learning", "CKernels"]),
    .target(
        name: "TextRecognition",
        dependencies: ["Learning", "CBaseModel", "CCardLocator", "CImages", "CFreeType"],
        resources: [.embedInCode("Resources/templates")],
        swiftSettings: swiftSettings
    ),
    module("ModelStore", ["COpenSSL", grdb]),
    module("Pipeline", ["Learning", "Streaming", "ModelStore", histogram, logging]),
    .executableTarget(
        name: "freshet",
        dependencies: [
            "Streaming", "KafkaClient", "KafkaWire", "KafkaBroker", "Learning", "Recommendation",
            "ModelStore", "Pipeline", "TextRecognition", "CAllocator", logging,
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "Yams", package: "Yams"),
        ],
        resources: [.embedInCode("Resources/topics")],
        swiftSettings: swiftSettings
    ),

    .executableTarget(
        name: "freshet-benchmarks",
        dependencies: ["CKernels", "Learning", "Recommendation", "TextRecognition"],
        path: "Benchmarks",
        exclude: [
            "run", "recognizer", "peers", "tesseract", "checkpoint", "recovery", "memory", "soak",
            "scoring", "movielens", "broker", "BrokerLoad", "reading",
        ],
        swiftSettings: swiftSettings
    ),
    .executableTarget(
        name: "broker-load",
        dependencies: [
            "CKernels", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Benchmarks/BrokerLoad",
        swiftSettings: swiftSettings
    ),

    // Bytes that nobody vouches for: the generator is tests' too, the counting of memory is not.
    .target(name: "CAllocationCount", path: "Fuzz/CAllocationCount"),
    .target(
        name: "FuzzCases",
        dependencies: ["KafkaBroker", "KafkaWire", "KafkaSamples", "CKernels"],
        path: "Fuzz/Cases",
        swiftSettings: swiftSettings
    ),
    .target(
        name: "FuzzImages",
        dependencies: ["FuzzCases", "KafkaSamples", "TextRecognition"],
        path: "Fuzz/Images",
        swiftSettings: swiftSettings
    ),
    .executableTarget(
        name: "freshet-fuzz",
        dependencies: ["FuzzCases", "FuzzImages", "CAllocationCount", "KafkaBroker", logging],
        path: "Fuzz/freshet-fuzz",
        swiftSettings: swiftSettings
    ),

    .target(
        name: "KafkaSamples",
        dependencies: ["KafkaWire", "CKernels", "CZlib", "CLZ4", "CZstd", "CSnappy"],
        path: "Tests/KafkaSamples",
        swiftSettings: swiftSettings
    ),
    tests("KafkaClientTests", ["KafkaClient", "Streaming", "CLibrdkafka"]),
    tests("KafkaWireTests", ["KafkaWire", "KafkaSamples"]),
    tests(
        "KafkaBrokerTests",
        [
            "KafkaBroker", "KafkaWire", "KafkaSamples", "FuzzCases", "CKernels", logging,
            .product(name: "NIOEmbedded", package: "swift-nio"),
        ] + nio
    ),
    tests("LearningTests", ["Learning", "CKernels"]),
    tests("RecommendationTests", ["Recommendation", "Learning", "CKernels"]),
    tests("TextRecognitionTests", ["TextRecognition", "Learning", "FuzzImages"]),
    tests("LearnerConformance", ["Recommendation", "Learning", "TextRecognition"]),
    tests("ModelStoreTests", ["ModelStore", grdb]),
    tests("PipelineTests", ["Pipeline", "Recommendation", "Learning", "Streaming", "ModelStore"]),
    tests(
        "FreshetTests",
        [
            "freshet", "KafkaBroker", "KafkaClient", "KafkaWire", "ModelStore", "Streaming",
            "TextRecognition", logging,
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]
    ),
    tests("IntegrationTests", ["KafkaClient", "KafkaBroker", "Streaming", logging]),
    tests(
        "CrashTests",
        [
            "freshet", "KafkaClient", "Learning", "ModelStore", "Pipeline", "Recommendation",
            "Streaming", "TextRecognition",
        ]
    ),
    tests("TidyTests", []),
]

let package = Package(
    name: "freshet",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle",
            exact: "2.13.0"
        ),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: targets,
    swiftLanguageModes: [.v6]
)
