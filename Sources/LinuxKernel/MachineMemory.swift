// SPDX-License-Identifier: Apache-2.0

internal import SystemPackage

/// The memory of this machine in bytes, as the kernel counts it for use (`/proc/meminfo`, `MemTotal`); nil where that
/// cannot be read.
public func machineMemory() -> UInt64? { memoryLine("MemTotal") }

/// What programs can have of it now without swapping (`MemAvailable`, since Linux 3.14).
package func availableMemory() -> UInt64? { memoryLine("MemAvailable") }

private func memoryLine(_ name: String) -> UInt64? {
    guard let text = try? readKernelFile("/proc/meminfo") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
        let words = line.split { $0 == " " }
        guard words.count >= 2, let kibibytes = UInt64(words[1]) else { return nil }
        return kibibytes * 1024
    }
    return nil
}

/// Whether this machine reclaims memory by the multi-generational LRU (`/sys/kernel/mm/lru_gen/enabled`). Since Linux
/// 6.1, where it is built in; Debian starts with it from 6.12 on.
public func usesMultiGenerationalLRU() -> Bool {
    // A mask of its parts; with none of them the classic LRU is at work.
    guard let mask = try? readKernelFile("/sys/kernel/mm/lru_gen/enabled") else { return false }
    return mask.contains { $0 != "0" && $0 != "x" }
}
