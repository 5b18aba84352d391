// SPDX-License-Identifier: Apache-2.0

/// An option of `bulkhead run`: the one list of their names. The tool's parser declares each with its help; the reader of
/// ``RunOptions`` knows what takes a value.
package enum RunOption: String, CaseIterable, Sendable {
    case map
    case uidMap = "uid-map"
    case gidMap = "gid-map"
    case autoMap = "auto-map"
    case user
    case rootfs
    case volume
    case volumeOwners = "volume-owners"
    case capAdd = "cap-add"
    case capDrop = "cap-drop"
    case seccomp
    case cgroup
    case memoryMin = "memory-min"
    case memoryLow = "memory-low"
    case memoryHigh = "memory-high"
    case memoryMax = "memory-max"
    case pidsMax = "pids-max"
    case cpus
    case image
    case net
    case hostname
    case env
    case workdir
    case tty
    case bestEffort = "best-effort"
    case jsonStatus = "json-status"

    /// Whether it takes no value.
    package var isFlag: Bool { self == .autoMap || self == .bestEffort }

    /// Whether it may be given more than once, each time adding something.
    package var isList: Bool {
        switch self {
        case .map, .uidMap, .gidMap, .volume, .capAdd, .capDrop, .image, .env: true
        default: false
        }
    }
}

/// Which network a run has.
package enum RunNetwork: String, CaseIterable, Sendable {
    case own, host
}

/// Whether a run's command gets a terminal.
package enum RunTerminalChoice: String, CaseIterable, Sendable {
    case auto, always, never
}
