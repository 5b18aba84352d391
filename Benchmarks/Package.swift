// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own, so that whoever uses Bulkhead does not resolve the benchmark library.
// As root: swift package --package-path Benchmarks benchmark
let package = Package(
    name: "bulkhead-benchmarks",
    dependencies: [
        .package(name: "bulkhead", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // Without its default traits it interposes neither malloc nor the Swift runtime, which would be measured too.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        // What each act costs at least: plain system calls in C, with nothing checked but success.
        .target(name: "CFloor", path: "CFloor"),
        .executableTarget(
            name: "KernelCosts",
            dependencies: [
                "CFloor",
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "Cgroups", package: "bulkhead"),
                .product(name: "Launching", package: "bulkhead"),
                .product(name: "LinuxKernel", package: "bulkhead"),
                .product(name: "Mounts", package: "bulkhead"),
                .product(name: "NodeModel", package: "bulkhead"),
                .product(name: "UserNamespaces", package: "bulkhead"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "KernelCosts",
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
