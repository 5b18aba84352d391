// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// One strict set for every Swift target: Swift 6 mode, strict memory safety, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let strictC: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: [Target.Dependency] = [
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    .product(name: "UnixSignals", package: "swift-service-lifecycle"),
]
let http: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
]

// `bulkhead` becomes `bulkhead-commands` for all but `run`, so `swift run bulkhead` has to build that too. Not where
// BULKHEAD_ALONE is set, as .ci/lib does: what it is linked with then starts in a tenth of the time, and can be static, for
// libmount has no static archive.
let wholeTool: [Target.Dependency] = Context.environment["BULKHEAD_ALONE"] == nil ? ["bulkhead-commands"] : []

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}
func shim(_ name: String) -> Target {
    .target(name: name, path: "CShims/\(name)", cSettings: strictC)
}
func library(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(name: name, path: "CShims/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "bulkhead",
    products: [
        .library(name: "NodeModel", targets: ["NodeModel"]),
        .library(name: "LinuxKernel", targets: ["LinuxKernel"]),
        .library(name: "Cgroups", targets: ["Cgroups"]),
        .library(name: "UserNamespaces", targets: ["UserNamespaces"]),
        .library(name: "Capabilities", targets: ["Capabilities"]),
        .library(name: "SeccompFilters", targets: ["SeccompFilters"]),
        .library(name: "NetworkInterfaces", targets: ["NetworkInterfaces"]),
        .library(name: "MountTable", targets: ["MountTable"]),
        .library(name: "PodManifests", targets: ["PodManifests"]),
        .library(name: "Mounts", targets: ["Mounts"]),
        .library(name: "Launching", targets: ["Launching"]),
        .library(name: "PodLaunching", targets: ["PodLaunching"]),
        .library(name: "NodeAgent", targets: ["NodeAgent"]),
        .library(name: "NodeServer", targets: ["NodeServer"]),
        .executable(name: "bulkhead", targets: ["bulkhead"]),
        .executable(name: "bulkhead-commands", targets: ["bulkhead-commands"]),
        .executable(name: "bulkheadd", targets: ["bulkheadd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        // The agent alone.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        // C shims: one system call a function, symbols start with bk_.
        shim("CLinuxKernel"),
        shim("CLinuxLaunch"),
        // What the program bulkhead needs before Swift starts.
        shim("CEarlyStart"),
        // What the tool's benchmark compares with.
        shim("CBenchFloor"),
        library("CLibcap", pkgConfig: "libcap", debian: "libcap-dev"),
        library("CLibseccomp", pkgConfig: "libseccomp", debian: "libseccomp-dev"),
        library("CLibmount", pkgConfig: "mount", debian: "libmount-dev"),

        // Level 0
        module("NodeModel"),
        module("LinuxKernel", ["CLinuxKernel", system]),

        // Level 1
        module("Cgroups", ["NodeModel", "LinuxKernel", system]),
        module("UserNamespaces", ["NodeModel", "LinuxKernel", system]),
        module("Capabilities", ["LinuxKernel", "CLibcap", system]),
        module("SeccompFilters", ["LinuxKernel", "CLibseccomp", system]),
        module("NetworkInterfaces", ["LinuxKernel", system]),
        module("MountTable", ["NodeModel", "LinuxKernel", "CLibmount", system]),
        module("PodManifests", ["NodeModel", yaml]),

        // Level 2
        module("Mounts", ["NodeModel", "LinuxKernel", "UserNamespaces", system]),

        // Level 3
        module(
            "Launching",
            [
                "CLinuxLaunch", "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities",
                "SeccompFilters", "Mounts", system,
            ]),

        module("ToolOutput", ["LinuxKernel", system]),
        module("ToolParsing", ["ToolOutput", arguments]),

        // Level 4
        module(
            "BulkheadRun",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters", "Launching",
                "ToolOutput", system,
            ]),

        module(
            "PodLaunching",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters", "Mounts",
                "Launching", system,
            ]),

        // Level 5
        module(
            "NodeAgent",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters", "Mounts",
                "PodManifests", "NetworkInterfaces", "Launching", "PodLaunching", log, system,
            ]),
        module("NodeServer", ["NodeModel", "LinuxKernel", "PodManifests", log, metrics, system] + http),
        module(
            "BulkheadCommands",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters", "MountTable",
                "PodManifests", "Mounts", "Launching", "PodLaunching", "ToolOutput", "ToolParsing", "BulkheadRun",
                "CBenchFloor", system, arguments,
            ]),

        // Level 6
        module(
            "BulkheadDaemon",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "Launching", "PodManifests", "PodLaunching", "NodeAgent",
                "NodeServer", "ToolOutput", "ToolParsing", log, arguments, system,
            ] + lifecycle),
        .executableTarget(
            name: "bulkheadd", dependencies: ["BulkheadDaemon", "LinuxKernel"], swiftSettings: strict),
        .executableTarget(
            name: "bulkhead-commands", dependencies: ["BulkheadCommands", "LinuxKernel"], swiftSettings: strict),
        .executableTarget(
            name: "bulkhead", dependencies: ["BulkheadRun", "LinuxKernel", "CEarlyStart"] + wholeTool,
            swiftSettings: strict),

        // Tests. TestSupport is no test target, so that all of them can import it.
        .target(name: "CTestChild", path: "Tests/CTestChild", cSettings: strictC),
        .target(
            name: "TestSupport", dependencies: ["LinuxKernel", system], path: "Tests/TestSupport", swiftSettings: strict
        ),
        // What a hostile program does; it runs inside what the live tests start.
        .target(name: "CAttacks", path: "Tests/CAttacks", cSettings: strictC),
        tests("NodeModelTests", ["NodeModel", "TestSupport"]),
        tests("LinuxKernelTests", ["LinuxKernel", "TestSupport", system]),
        tests("CgroupsTests", ["Cgroups", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests("UserNamespacesTests", ["UserNamespaces", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests("CapabilitiesTests", ["Capabilities", "LinuxKernel", "TestSupport", system]),
        tests("SeccompFiltersTests", ["SeccompFilters", "TestSupport"]),
        tests("NetworkInterfacesTests", ["NetworkInterfaces", "LinuxKernel", "TestSupport"]),
        tests("MountTableTests", ["MountTable", "TestSupport", system]),
        tests("MountsTests", ["Mounts", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests("PodManifestsTests", ["PodManifests", "NodeModel", "TestSupport"]),
        tests("LaunchingTests", ["Launching", "Capabilities", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests(
            "BulkheadCommandsTests",
            [
                "BulkheadCommands", "BulkheadRun", "ToolOutput", "Capabilities", "Cgroups", "Launching", "NodeModel",
                "LinuxKernel", "SeccompFilters", "UserNamespaces", "TestSupport", arguments, system,
            ]),
        tests("NodeAgentTests", ["NodeAgent", "NodeModel", "PodManifests", "LinuxKernel", "TestSupport", log, system]),
        tests("NodeServerTests", ["NodeServer", "NodeModel", "PodManifests", "TestSupport", log, metrics] + http),
        tests(
            "LiveTests",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters",
                "NetworkInterfaces", "MountTable", "Mounts", "Launching", "PodLaunching", "NodeAgent", "TestSupport",
                "CTestChild", "CAttacks", system,
            ]),
    ]
)
