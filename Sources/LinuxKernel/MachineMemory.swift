// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// The memory of this machine in bytes, as the kernel counts it for use (`/proc/meminfo`, `MemTotal`); nil where that
/// cannot be read.
public func machineMemory() -> UInt64? {
    guard let text = try? readKernelFile("/proc/meminfo") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("MemTotal:") {
        let words = line.split { $0 == " " }
        guard words.count >= 2, let kibibytes = UInt64(words[1]) else { return nil }
        return kibibytes * 1024
    }
    return nil
}
