// SPDX-License-Identifier: Apache-2.0

internal import Cgroups

/// The event files of one cgroup at one time.
struct CgroupEventState: Hashable {
    struct File: Hashable {
        var name: String
        var counters: Counters
    }
    var files: [File]

    static let nothing = CgroupEventState(files: [])

    /// Each number that is another than before, or new.
    func changes(since before: CgroupEventState) -> [CgroupEventChange] {
        files.flatMap { file in
            let old = before.files.first { $0.name == file.name }?.counters
            return file.counters.entries.compactMap { entry in
                let value = old?[entry.key]
                return value == entry.value
                    ? nil : CgroupEventChange(file: file.name, key: entry.key, before: value, value: entry.value)
            }
        }
    }
}

/// One number that changed.
struct CgroupEventChange: Hashable {
    var file: String
    var key: String
    var before: UInt64?
    var value: UInt64
}

extension CgroupEventState {
    /// What a watcher knows of a cgroup.
    init(_ state: CgroupState) {
        let found = [
            ("cgroup.events", state.events?.counters), ("memory.events", state.memory?.counters),
            ("memory.events.local", state.memoryLocal?.counters), ("pids.events", state.pids),
        ]
        files = found.compactMap { name, counters in counters.map { File(name: name, counters: $0) } }
    }
}
