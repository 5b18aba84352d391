// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own: libFuzzer's main and its instrumentation come by flags that no other product is to have.
// `.ci/fuzz` builds and runs it.
let package = Package(
    name: "bulkhead-fuzz",
    // An executable of SwiftPM has a main of its own; the script links this one to libFuzzer's.
    products: [.library(name: "Fuzz", type: .static, targets: ["Fuzz"])],
    dependencies: [.package(name: "bulkhead", path: "../..")],
    targets: [
        .target(
            name: "Fuzz",
            dependencies: [
                .product(name: "Capabilities", package: "bulkhead"),
                .product(name: "Cgroups", package: "bulkhead"),
                .product(name: "NetworkInterfaces", package: "bulkhead"),
                .product(name: "NodeModel", package: "bulkhead"),
                .product(name: "PodManifests", package: "bulkhead"),
                .product(name: "SeccompFilters", package: "bulkhead"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)])
    ]
)
