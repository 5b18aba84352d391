// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What is fuzzed; the environment variable `FUZZ_TARGET` chooses one, and a corpus is kept for each.
enum FuzzTarget: String, CaseIterable {
    case quantities, manifests, kubelet, interfaces, idmaps, paths, netlink, seccomp

    static let chosen: FuzzTarget = {
        let names = allCases.map(\.rawValue).joined(separator: ", ")
        guard let value = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: value)) else {
            fatalError("FUZZ_TARGET is not one of \(names)")
        }
        return target
    }()

    func check(_ bytes: UnsafeBufferPointer<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        switch self {
        case .netlink: checkNetlink(Array(bytes))
        case .seccomp: checkSeccompProfile(text)
        case .quantities: checkQuantity(text)
        case .manifests:
            checkManifest(text)
            checkWork(text)
        case .kubelet: checkKubeletConfiguration(text)
        case .interfaces: checkInterfaceFiles(text)
        case .idmaps: checkIDMap(text)
        case .paths: checkPath(text)
        }
    }
}

/// Called by libFuzzer with one input after the other. A failed property ends the process, which libFuzzer reports with
/// the input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    FuzzTarget.chosen.check(UnsafeBufferPointer(start: bytes, count: count))
    return 0
}

/// Ends the process when a property does not hold, in any build.
func require(_ holds: Bool, _ text: @autoclosure () -> String) {
    if !holds { fatalError(text()) }
}
