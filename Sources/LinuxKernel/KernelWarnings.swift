// SPDX-License-Identifier: Apache-2.0

/// Something to know about a kernel that no trial shows, such as a bug that strikes under load. Never a reason to stop.
public struct KernelWarning: Hashable, Sendable {
    /// A stable name for scripts, such as `memory-high-livelock`.
    public let id: String
    /// What may happen, and the remedy.
    public let text: String
    /// The feature (by its name in `KernelFeatures`) whose presence makes the warning void, where there is one.
    public let feature: String?

    /// What is known of how this machine is set up, whatever its version.
    public static func ofThisMachine() -> [KernelWarning] {
        guard usesMultiGenerationalLRU() else { return [] }
        return [
            KernelWarning(
                id: "multi-gen-lru",
                text:
                    "memory is reclaimed by the multi-generational LRU, which passes over memory.low when the machine "
                    + "itself runs short: reserve memory, so that pods reach their own memory.max first, or write n to "
                    + "/sys/kernel/mm/lru_gen/enabled",
                feature: nil)
        ]
    }

    /// What is known of kernels of this version, most serious first.
    public static func warnings(for version: KernelVersion) -> [KernelWarning] {
        if version.isDisguised {
            return [
                KernelWarning(
                    id: "disguised-release",
                    text: "the release \(version.release) cannot be believed (personality UNAME26, as "
                        + "`setarch --uname-2.6` sets it), so nothing known of a version is said here",
                    feature: nil)
            ]
        }
        var warnings: [KernelWarning] = []
        func below(_ bound: KernelVersion, _ id: String, _ text: String, unless feature: String? = nil) {
            guard version < bound else { return }
            warnings.append(KernelWarning(id: id, text: "kernel below \(bound.release): \(text)", feature: feature))
        }
        below(
            KernelVersion(5, 9), "memory-high-livelock",
            "writing memory.high can livelock; do not set it under load, or use a newer kernel")
        below(
            KernelVersion(5, 12), "no-idmapped-mounts",
            "no ID-mapped mounts; a volume for a user namespace needs its ownership shifted",
            unless: "idmapped_mounts")
        below(
            KernelVersion(6, 3), "no-idmapped-tmpfs",
            "no ID-mapped mounts of tmpfs; secrets, config maps and memory volumes need their ownership shifted",
            unless: "idmapped_tmpfs")
        return warnings
    }
}
