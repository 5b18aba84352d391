// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import NodeModel
internal import ToolOutput

extension ExplainReport {
    /// A table of the levels, then the causes in words.
    func text(_ style: Style) -> String {
        var lines = [heading(style), ""]
        lines += table(main, style)
        lines += remarks(style)
        for found in local {
            let limits = [("memory.high", found.limit.high), ("memory.max", found.limit.max)].filter { $0.1 != .max }
                .map { "\($0.0) \($0.1.short)" }.joined(separator: ", ")
            lines += ["", style.bold("when \(found.limit.path.text) reaches its own limit") + " (\(limits))", ""]
            lines += table(found.protection, style)
        }
        return lines.joined(separator: "\n")
    }

    private func heading(_ style: Style) -> String {
        let start =
            switch main.target {
            case nil: "reclaim that starts above what is visible here"
            case let target? where target == reading.machine: "reclaim for the whole machine"
            case let target?: "reclaim that starts at \(target.text)"
            }
        return style.bold(asked.text) + " under \(start)"
    }

    private func table(_ protection: EffectiveProtection, _ style: Style) -> [String] {
        var rows = [["", "in use", "memory.min", "effective", "assured", "memory.low", "effective", "assured"]]
        for (depth, level) in protection.levels.enumerated() {
            let name = depth == 0 ? level.path.text : (level.path.name ?? "/").printable
            rows.append(
                [String(repeating: "  ", count: depth) + name, level.usage.short]
                    + [level.min, level.low].flatMap {
                        [$0.asked.short, $0.effective?.short ?? "-", $0.assured.short]
                    })
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.enumerated().map { number, row in
            let level = number == 0 ? nil : protection.levels[number - 1]
            return row.enumerated().map { column, cell in
                // Names to the left, numbers to the right.
                let text = column == 0 ? cell.padded(to: widths[0]) : cell.leftPadded(to: widths[column])
                if number == 0 { return style.dim(text) }
                switch column {
                case 3: return coloured(text, level?.min, style)
                case 6: return coloured(text, level?.low, style)
                default: return text
                }
            }.joined(separator: "  ")
        }
    }

    private func coloured(_ text: String, _ share: EffectiveProtection.Share?, _ style: Style) -> String {
        guard let share, share.asked > .zero else { return text }
        return share.cut != nil ? style.red(text) : share.weakness != nil ? style.yellow(text) : style.green(text)
    }

    /// What cuts, what may cut, and what has to be known to read the table.
    private func remarks(_ style: Style) -> [String] {
        var lines: [String] = []
        if let last = main.levels.last {
            for knob in EffectiveProtection.Knob.allCases {
                let share = last[knob]
                let file = "memory.\(knob.rawValue)"
                if let cut = share.cut {
                    lines.append(style.red("cut") + "   \(file): \(cut.text(file))")
                } else if let weakness = share.weakness {
                    let now = share.effective == nil ? "nothing is in use, and " : "it holds now, but "
                    lines.append(
                        style.yellow("weak")
                            + "  \(file): \(now)only \(share.assured.short) of \(share.asked.short) is "
                            + "assured: \(weakness.text(file))")
                } else if share.asked > .zero {
                    lines.append(style.green("holds") + " \(file): no ancestor cuts it")
                }
            }
        }
        if reading.path != asked {
            lines.append(
                "note  the memory controller is not enabled below \(reading.path.text), which accounts for \(asked.text)"
            )
        }
        if !reading.isComplete {
            lines.append("note  ancestors above \(reading.tree.path.text) cannot be seen from here, and may cut more")
        }
        if !recursion.isOn {
            lines.append(
                "note  cgroup2 is mounted without memory_recursiveprot: what is not asked for is not protected"
                    + (recursion.isKnown == false ? " (this kernel does not know it, Linux 5.7 does)" : ""))
        }
        return lines.isEmpty ? [] : [""] + lines
    }
}

extension String {
    /// Filled with blanks in front to a width.
    func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
