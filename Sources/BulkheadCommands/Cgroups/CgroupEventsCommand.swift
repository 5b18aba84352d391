// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import Glibc
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead cgroup events`: what happened to a cgroup and, followed, what happens.
struct CgroupEventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Prints whether a cgroup is populated and frozen, and how often its limits were hit.",
        discussion: """
            With --follow, a line for each change until the cgroup is removed; the kernel wakes the command, it does not
            look again and again. --json --follow prints one JSON document a line.
            """)

    @Flag(help: "Go on printing what changes.")
    var follow = false

    @OptionGroup var options: CgroupOptions

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseRoot("asked for events")
        var watcher = try CgroupWatcher()
        let watch = try watcher.add(try place.open())
        guard let state = watcher.state(of: watch) else { throw place.goneFailure }
        let first = CgroupEventState(state)
        if !follow {
            let files = first.files.map { file in
                JSON.Member(file.name, .object(file.counters.entries.map { .init($0.key, .integer($0.value)) }))
            }
            try options.report(
                ["path": .string(place.path.description), "files": .object(files)],
                first.files.flatMap { file in file.counters.entries.map { "\(file.name) \($0.key) \($0.value)" } }
                    .joined(separator: "\n"))
            return
        }
        for change in first.changes(since: .nothing) { try show(change, place) }
        // Empty is the watcher once its one cgroup is gone.
        while !watcher.isEmpty {
            for change in try watcher.wait() {
                let before = CgroupEventState(change.before)
                for line in CgroupEventState(change.after).changes(since: before) { try show(line, place) }
            }
        }
        let end: JSON = ["time": Self.now, "path": .string(place.path.description), "removed": true]
        try Output.print(options.json ? end.compact : "\(Self.clock)  removed")
    }

    private func show(_ change: CgroupEventChange, _ place: CgroupPlace) throws {
        if options.json {
            let document: JSON = [
                "time": Self.now, "path": .string(place.path.description), "file": .string(change.file),
                "key": .string(change.key), "before": change.before.map { .integer($0) } ?? .null,
                "value": .integer(change.value),
            ]
            try Output.print(document.compact)
        } else {
            let before = change.before.map { "\($0) -> " } ?? ""
            try Output.print("\(Self.clock)  \(change.file) \(change.key) \(before)\(change.value)")
        }
    }

    /// Seconds since 1970.
    private static var now: JSON {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return .decimal(Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000)
    }

    /// The time of day in UTC.
    private static var clock: String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let parts = [time.tv_sec / 3600 % 24, time.tv_sec / 60 % 60, time.tv_sec % 60]
        return parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
