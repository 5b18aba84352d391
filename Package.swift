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
        .library(name: "MountTable", targets: ["MountTable"]),
        .library(name: "PodManifests", targets: ["PodManifests"]),
        .library(name: "Mounts", targets: ["Mounts"]),
        .library(name: "Launching", targets: ["Launching"]),
        .executable(name: "bulkhead", targets: ["bulkhead"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // C shims: one system call a function, symbols start with bk_.
        shim("CLinuxKernel"),
        shim("CLinuxLaunch"),
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
        module("MountTable", ["LinuxKernel", "CLibmount", system]),
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

        // Level 4
        module(
            "BulkheadCommands",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters", "MountTable",
                "PodManifests", "Mounts", "Launching", "CBenchFloor", system, arguments,
            ]),
        .executableTarget(name: "bulkhead", dependencies: ["BulkheadCommands"], swiftSettings: strict),

        // Tests. TestSupport is no test target, so that all of them can import it.
        .target(
            name: "TestSupport", dependencies: ["LinuxKernel", system], path: "Tests/TestSupport", swiftSettings: strict
        ),
        tests("NodeModelTests", ["NodeModel", "TestSupport"]),
        tests("LinuxKernelTests", ["LinuxKernel", "TestSupport", system]),
        tests("CgroupsTests", ["Cgroups", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests("UserNamespacesTests", ["UserNamespaces", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests("CapabilitiesTests", ["Capabilities", "TestSupport"]),
        tests("SeccompFiltersTests", ["SeccompFilters", "TestSupport"]),
        tests("MountTableTests", ["MountTable", "TestSupport", system]),
        tests("MountsTests", ["Mounts", "NodeModel", "LinuxKernel", "TestSupport", system]),
        tests("PodManifestsTests", ["PodManifests", "NodeModel", "TestSupport"]),
        tests("LaunchingTests", ["Launching", "LinuxKernel", "TestSupport", system]),
        tests(
            "BulkheadCommandsTests",
            ["BulkheadCommands", "Cgroups", "Launching", "NodeModel", "LinuxKernel", "TestSupport", arguments]),
        tests(
            "LiveTests",
            [
                "NodeModel", "LinuxKernel", "Cgroups", "UserNamespaces", "Capabilities", "SeccompFilters", "MountTable",
                "Mounts", "Launching", "TestSupport", system,
            ]),
    ]
)
