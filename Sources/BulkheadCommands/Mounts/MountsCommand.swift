// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import MountTable
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead mounts`: what is mounted, with each mount's ID map.
struct MountsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mounts",
        abstract: "Lists what is mounted, with each mount's ID map as the kernel holds it.",
        discussion: """
            With PATH, the mount that PATH is on and those beneath PATH. With --watch, also what changes, as soon as it
            does; --json --watch prints one JSON document a line, for changes only.
            """)

    @Flag(help: "Print one JSON document.") var json = false
    @Flag(help: "Go on printing what changes.") var watch = false
    @Option(help: .init("The mounts that a process sees.", valueName: "pid")) var pid: Int32?
    @Argument(help: "A place in the tree.", completion: .file()) var path: String?

    func run() throws {
        let filter = try path.map { try PathFilter($0, isOwn: pid == nil) }
        if watch { return try follow(filter) }
        let table = try pid.map { try MountTable.of(pid: $0) } ?? MountTable.current()
        try show(table, filter)
    }

    private var idMaps: MountIDMaps { pid.map { .of(pid: $0) } ?? .current() }

    private func show(_ table: MountTable, _ filter: PathFilter?) throws {
        let entries = filter?.entries(of: table) ?? table.entries
        let maps = idMaps
        if json {
            try Output.print(["mounts": .array(entries.map { $0.json(maps) })])
        } else {
            try Output.print(MountsText.table(entries, maps, Style.forStandardOutput()))
        }
    }

    private func follow(_ filter: PathFilter?) throws {
        var watcher = try pid.map { try MountTableWatcher(of: $0) } ?? MountTableWatcher()
        if !json { try show(watcher.table, filter) }
        while true {
            let changes = try watcher.wait()
            let maps = idMaps
            for change in changes where filter?.holds(change.entry) ?? true {
                let (word, sign) = change.words
                if json {
                    try Output.print(
                        JSON.object([.init("change", .string(word)), .init("mount", change.entry.json(maps))]).compact)
                } else {
                    try Output.print("\(sign) " + MountsText.line(change.entry, maps))
                }
            }
        }
    }
}

/// The mounts that have to do with a path.
struct PathFilter {
    private let path: FilePath

    init(_ text: String, isOwn: Bool) throws {
        // Another process's paths cannot be looked up from here.
        guard isOwn else {
            guard text.hasPrefix("/") else { throw ToolFailure(.usage, "with --pid, PATH must be absolute: \(text)") }
            path = FilePath(text).lexicallyNormalized()
            return
        }
        let place: Descriptor
        do throws(KernelError) { place = try Descriptor.open(FilePath(text), .path) } catch {
            throw ToolFailure(.failed, error.description.printable)
        }
        path = FilePath(place.name)
    }

    func entries(of table: MountTable) -> [MountEntry] {
        let on = table.mount(covering: path)
        return table.entries.filter { $0.id == on?.id || holds($0) }
    }

    func holds(_ entry: MountEntry) -> Bool { entry.target.starts(with: path) }
}

/// Mounts in words.
enum MountsText {
    /// A line for each mount, aligned.
    static func table(_ entries: [MountEntry], _ maps: MountIDMaps, _ style: Style) -> String {
        let head = ["TARGET", "TYPE", "SOURCE", "OPTIONS", "ID MAP"]
        let rows = entries.map { row($0, maps) }
        // The last two are long and not padded; a table without maps has no column for them.
        let hasMaps = rows.contains { !$0[4].isEmpty }
        let count = hasMaps ? 5 : 4
        let widths = (0..<count).map { column in
            min(60, ([head] + rows).map { $0[column].count }.max() ?? 0)
        }
        let lines = ([head] + rows).map { row in
            var line = (0..<count).map { row[$0].padded(to: widths[$0]) }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        return ([style.bold(lines[0])] + lines.dropFirst()).joined(separator: "\n")
    }

    /// One mount.
    static func line(_ entry: MountEntry, _ maps: MountIDMaps) -> String {
        row(entry, maps).filter { !$0.isEmpty }.joined(separator: "  ")
    }

    private static func row(_ entry: MountEntry, _ maps: MountIDMaps) -> [String] {
        let root = entry.root == "/" ? "" : "[\(entry.root)]"
        return [
            entry.target.string, entry.type, entry.source + root, entry.options.description, map(entry, maps),
        ].map(\.printable)
    }

    private static func map(_ entry: MountEntry, _ maps: MountIDMaps) -> String {
        guard entry.isIDMapped else { return "" }
        if let map = maps[entry] { return "\(map)" }
        return maps.areTold ? "idmapped, by ids that are not known here" : "idmapped, map not told by this kernel"
    }
}

extension MountTableChange {
    /// For programs and for people.
    fileprivate var words: (String, String) {
        switch self {
        case .mounted: ("mounted", "+")
        case .unmounted: ("unmounted", "-")
        case .changed: ("changed", "~")
        }
    }
}

extension MountEntry {
    fileprivate func json(_ maps: MountIDMaps) -> JSON {
        [
            "id": .integer(id), "parent": .integer(parent), "target": .string(target.string), "type": .string(type),
            "source": .string(source), "root": .string(root.string), "device": .string("\(device)"),
            "options": .strings(options.list.map(\.description)),
            "superblockOptions": .strings(superblockOptions.list.map(\.description)),
            "propagation": .string("\(propagation)"), "readOnly": .bool(isReadOnly), "idMapped": .bool(isIDMapped),
            "idMap": maps[self]?.json ?? nil, "idMapTold": .bool(!isIDMapped || maps[self] != nil),
        ]
    }
}
