// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import ToolOutput

extension MemoryPlan {
    /// The document of `--json`.
    var json: JSON {
        [
            "cgroups": .array(cgroups.map(\.json)),
            "pods": .array(
                pods.map { pod in
                    [
                        "namespace": .string(pod.namespace), "name": .string(pod.name), "uid": .string(pod.uid),
                        "qosClass": .string(pod.qosClass.rawValue),
                    ]
                }),
            "metrics": .object(metrics.gauges.map { JSON.Member($0.name, .integer($0.value)) }),
            "warnings": .array(warnings.map { ["id": .string($0.id), "text": .string($0.text)] }),
        ]
    }

    /// A line for each cgroup, those of one indented below it, and the sums.
    func table(_ style: Style) -> String {
        let memory = ["memory.min", "memory.low", "memory.high", "memory.max"]
        var rows = [["CGROUP", "MIN", "LOW", "HIGH", "MAX", "OTHER"]]
        for (cgroup, depth) in tree {
            let name = depth == 0 ? cgroup.path.description : cgroup.path.name ?? ""
            let others = cgroup.files.filter { !memory.contains($0.name) && !Self.isNoise($0) }
            rows.append(
                [String(repeating: "  ", count: depth) + name.printable] + memory.map { Self.readable(cgroup[$0]) }
                    + [others.map { "\($0.name)=\($0.value)" }.joined(separator: "  ")])
        }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.enumerated().map { index, row in
            let cells = row.prefix(5).enumerated().map { column, cell in
                column == 0
                    ? cell.padded(to: widths[0]) : String(repeating: " ", count: widths[column] - cell.count) + cell
            }
            let line = cells.joined(separator: "  ")
            return index == 0 ? style.bold(line + "  " + row[5]) : line + "  " + style.dim(row[5])
        }
        let counts = QoSClass.allCases.map { qosClass in
            "\(pods.count { $0.qosClass == qosClass }) \(qosClass.rawValue)"
        }
        lines.append("")
        lines.append(
            "\(pods.count) \(pods.count == 1 ? "pod" : "pods") (\(counts.joined(separator: ", "))); never reclaimed \(Self.readable("\(metrics.guaranteed)")), "
                + "reclaimed last \(Self.readable("\(metrics.burstable)"))")
        return lines.joined(separator: "\n")
    }

    /// The cgroups, each right behind the one it is in, with how deep it is below the first.
    private var tree: [(cgroup: PlannedCgroup, depth: Int)] {
        let paths = Set(cgroups.map(\.path))
        var children: [CgroupPath: [PlannedCgroup]] = [:]
        var pending: [(cgroup: PlannedCgroup, depth: Int)] = []
        for cgroup in cgroups {
            if let parent = cgroup.path.parent, paths.contains(parent) {
                children[parent, default: []].append(cgroup)
            } else {
                pending.insert((cgroup, 0), at: 0)
            }
        }
        var ordered: [(cgroup: PlannedCgroup, depth: Int)] = []
        while let next = pending.popLast() {
            ordered.append(next)
            pending += (children[next.cgroup.path] ?? []).reversed().map { ($0, next.depth + 1) }
        }
        return ordered
    }

    /// Limits of huge pages that are none, or where nobody asked for any.
    private static func isNoise(_ file: PlannedFile) -> Bool {
        file.name.hasPrefix("hugetlb.") && (file.value == "0" || file.value == "\(UInt64(1) << 62)")
    }

    /// `-` for what is left alone, and a number of bytes in the unit that keeps it short.
    static func readable(_ text: String?) -> String {
        guard let text else { return "-" }
        guard let bytes = UInt64(text), bytes >= 1024 else { return text }
        let units = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
        let unit = min((63 - bytes.leadingZeroBitCount) / 10, units.count)
        let size = UInt64(1) << (10 * unit)
        let (whole, rest) = bytes.quotientAndRemainder(dividingBy: size)
        if rest == 0 { return "\(whole)\(units[unit - 1])" }
        let tenths = UInt64((UInt128(rest) * 10) / UInt128(size))
        return "~\(whole).\(tenths)\(units[unit - 1])"
    }
}

extension PlannedCgroup {
    fileprivate var json: JSON {
        [
            "path": .string(path.description),
            "files": .object(files.map { JSON.Member($0.name, .string($0.value)) }),
        ]
    }
}

extension [PlanWarning] {
    /// Says the warnings on standard error, of each kind the first few: a node has hundreds of pods that are alike.
    func complain() {
        for line in warningLines() { Output.complain("warning: \(line)") }
    }

    /// The texts of the warnings, at most so many of each kind, and how many more there are.
    func warningLines(ofEachKind limit: Int = 5) -> [String] {
        var counts: [String: Int] = [:]
        var kinds: [String] = []
        var lines: [String] = []
        for warning in self {
            let count = counts[warning.id, default: 0] + 1
            counts[warning.id] = count
            if count == 1 { kinds.append(warning.id) }
            if count <= limit { lines.append(warning.text.printable) }
        }
        for kind in kinds {
            let more = (counts[kind] ?? 0) - limit
            if more > 0 { lines.append("\(more) more of the kind \(kind); --json has all of them") }
        }
        return lines
    }
}
