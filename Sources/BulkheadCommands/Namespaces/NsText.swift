// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import ToolOutput
internal import UserNamespaces

/// Namespaces as lines for a terminal of some width.
struct NsText {
    var columns: Int
    var unicode: Bool
    var style: Style

    private struct Row {
        var name: String
        var isUser: Bool
        var cells: [String]
        var what: String
        var map: String
    }

    /// A heading, a line for each, and why there may be more.
    func lines(_ list: NsList) -> [String] {
        var rows: [Row] = []
        if list.isWhole {
            addTree(list.entries, to: &rows)
        } else {
            rows = list.entries.map { row($0, prefix: "") }
        }
        let titles = ["procs", "pid", "uid"]
        let name = max(9, rows.map(\.name.count).max() ?? 0)
        let widths = titles.indices.map { column in
            max(titles[column].count, rows.map { $0.cells[column].count }.max() ?? 0)
        }
        let taken = name + widths.reduce(0) { $0 + $1 + 2 } + 2
        func line(_ first: String, _ cells: [String], _ last: String) -> String {
            var text = first.padded(to: name)
            for (cell, width) in zip(cells, widths) { text += "  " + cell.leftPadded(to: width) }
            text += "  " + last
            while text.last == " " { text.removeLast() }
            return text
        }
        var lines = [style.dim(line("namespace", titles, "map, command, path, holder"))]
        for row in rows {
            // A map is never cut; a command is, where the terminal ends.
            let room = max(20, columns - taken - (row.map.isEmpty ? 0 : row.map.count + 2))
            let what = row.what.count > room ? String(row.what.prefix(room - 1)) + "…" : row.what
            let last = row.map.isEmpty ? what : what.isEmpty ? row.map : "\(row.map)  \(what)"
            let text = line(row.name, row.cells, last)
            lines.append(row.isUser ? style.bold(text) : text)
        }
        if rows.isEmpty { lines.append("none") }
        if let note = list.note { lines.append("note  \(note)") }
        return lines
    }

    /// User namespaces beneath their parents, the others beneath the user namespace that owns them.
    private func addTree(_ entries: [NamespaceSurvey.Entry], to rows: inout [Row]) {
        let users = entries.filter { $0.kind == .user }
        let shown = Set(users.map(\.inode))
        let inner = Dictionary(grouping: users.filter { shown.contains($0.parent ?? 0) }) { $0.parent ?? 0 }
        let owned = Dictionary(grouping: entries.filter { $0.kind != .user && shown.contains($0.owner ?? 0) }) {
            $0.owner ?? 0
        }
        func add(_ entry: NamespaceSurvey.Entry, _ prefix: String, _ childPrefix: String) {
            rows.append(row(entry, prefix: prefix))
            guard entry.kind == .user else { return }
            let children = (owned[entry.inode] ?? []) + (inner[entry.inode] ?? [])
            for (index, child) in children.enumerated() {
                let isLast = index == children.count - 1
                let branch = unicode ? (isLast ? "└─ " : "├─ ") : (isLast ? "`- " : "|- ")
                let trunk = isLast ? "   " : (unicode ? "│  " : "|  ")
                add(child, childPrefix + branch, childPrefix + trunk)
            }
        }
        for root in users where !shown.contains(root.parent ?? 0) { add(root, "", "") }
        // The owner is further out than the caller may look.
        for entry in entries where entry.kind != .user && !shown.contains(entry.owner ?? 0) { add(entry, "", "") }
    }

    private func row(_ entry: NamespaceSurvey.Entry, prefix: String) -> Row {
        var what: [String] = []
        if let command = entry.command { what.append(command.printable) }
        what += entry.paths.map(\.printable)
        if entry.processes == 0, let holder = entry.holders.first {
            what.append("held by process \(holder)" + (entry.holders.count > 1 ? " and others" : ""))
        }
        if what.isEmpty, entry.kind == .user { what.append("owns or holds others") }
        return Row(
            name: "\(prefix)\(entry.kind.rawValue) \(entry.inode)", isUser: entry.kind == .user,
            cells: [
                "\(entry.processes)", entry.pid.map { "\($0)" } ?? "-", entry.ownerUID.map { "\($0)" } ?? "-",
            ], what: what.joined(separator: "  "),
            map: entry.kind == .user ? entry.map.map { "\($0)" } ?? "(no map)" : "")
    }
}
