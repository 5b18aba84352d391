// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What the notifying files of a cgroup hold. Nil is a file that the cgroup does not have or that is not watched.
public struct CgroupState: Hashable, Sendable {
    /// `cgroup.events`: populated, frozen.
    public var events: CgroupEvents?
    /// `memory.events`, here and below: what was killed, where the victim was.
    public var memory: MemoryEvents?
    /// `memory.events.local`: what happened at the limit of this cgroup alone. Since Linux 5.3.
    public var memoryLocal: MemoryEvents?
    /// `pids.events`: refused forks.
    public var pids: Counters?
    /// Whether the cgroup was removed; the rest is then what was known last.
    public var isGone = false

    /// The files that tell it.
    static let files: [CgroupFile] = [
        StatusFile.events.file, StatusFile.memoryEvents.file,
        CgroupFile(named: "memory.events.local"), CgroupFile(named: "pids.events"),
    ]

    /// Takes a file's new text; false when it is not of the known form.
    mutating func take(_ text: Substring, of file: CgroupFile) -> Bool {
        switch file.name {
        case "cgroup.events":
            guard let value = CgroupEvents(kernelText: text) else { return false }
            events = value
        case "memory.events":
            guard let value = MemoryEvents(kernelText: text) else { return false }
            memory = value
        case "memory.events.local":
            guard let value = MemoryEvents(kernelText: text) else { return false }
            memoryLocal = value
        default:
            guard let value = Counters(kernelText: text) else { return false }
            pids = value
        }
        return true
    }
}

/// A change of a watched cgroup: what was known before, and what is now.
///
/// The kernel merges notifications (at most one in 10 ms for each file), so they are never counted: the files are read
/// again, and the numbers here are differences of the kernel's own counters.
public struct CgroupChange: Hashable, Sendable {
    /// Where the cgroup was opened.
    public let path: FilePath
    /// What `CgroupWatcher.add` returned.
    public let watch: CgroupWatch
    /// What was known before.
    public internal(set) var before: CgroupState
    /// What is known now.
    public internal(set) var after: CgroupState

    /// Whether a living process is inside, when that changed.
    public var populated: Bool? {
        before.events?.populated == after.events?.populated ? nil : after.events?.populated
    }
    /// Whether all processes stand still, when that changed.
    public var frozen: Bool? { before.events?.frozen == after.events?.frozen ? nil : after.events?.frozen }
    /// Processes that the kernel killed for want of memory since, in the cgroup and below it.
    public var oomKills: UInt64 { rise(before.memory?.oomKill, after.memory?.oomKill) }
    /// Of them those in the cgroup itself.
    public var localOOMKills: UInt64 { rise(before.memoryLocal?.oomKill, after.memoryLocal?.oomKill) }
    /// Times since that the cgroup, or one below it, was at its limit and nothing could be reclaimed.
    public var oom: UInt64 { rise(before.memory?.oom, after.memory?.oom) }
    /// Times since that processes were slowed down at `memory.high`.
    public var high: UInt64 { rise(before.memory?.high, after.memory?.high) }
    /// Forks refused since, for `pids.max`.
    public var refusedForks: UInt64 { rise(before.pids?["max"], after.pids?["max"]) }
    /// Whether the cgroup was removed. That is no OOM kill: `after` holds what was known last.
    public var isGone: Bool { after.isGone && !before.isGone }
}

/// How much a counter rose. One that appears with its file counts from zero.
private func rise(_ before: UInt64?, _ after: UInt64?) -> UInt64 {
    guard let after, after > before ?? 0 else { return 0 }
    return after - (before ?? 0)
}

/// One cgroup in a watcher.
public struct CgroupWatch: Hashable, Sendable {
    let number: UInt64
}
