// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// What a runtime's own manifest looks like; there, "bulkhead" has a URL.
let package = Package(
    name: "mini-runtime",
    dependencies: [
        .package(name: "bulkhead", path: "../.."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .executableTarget(
            name: "MiniRuntime",
            dependencies: [
                .product(name: "Capabilities", package: "bulkhead"),
                .product(name: "Cgroups", package: "bulkhead"),
                .product(name: "Launching", package: "bulkhead"),
                .product(name: "LinuxKernel", package: "bulkhead"),
                .product(name: "NodeModel", package: "bulkhead"),
                .product(name: "SeccompFilters", package: "bulkhead"),
                .product(name: "SystemPackage", package: "swift-system"),
            ])
    ]
)
