// SPDX-License-Identifier: Apache-2.0

internal import Capabilities

extension CapsReport {
    private var all: CapabilitySet { sets.reduce([]) { $0.union($1.set) } }

    private func letters(_ capability: Capability) -> String {
        String(sets.compactMap { entry in entry.letter.map { entry.set.contains(capability) ? $0 : "-" } })
    }

    /// A line for each capability: its name, the sets it is in, whether anything of it is left inside a user namespace, and
    /// what it allows.
    func text(_ style: Style, explaining: Bool) -> String {
        var lines = [style.bold(title)]
        if sets.contains(where: { $0.letter != nil }) {
            let width = sets.map(\.name.count).max() ?? 0
            for entry in sets { lines.append("  \(entry.name.padded(to: width))  \(summary(entry.set))") }
        } else {
            lines.append("  " + summary(all))
        }
        if noNewPrivileges == true { lines.append("  it gains nothing by execve (no_new_privs)") }
        switch isInitialNamespace {
        case true?: lines.append("  in the initial user namespace: what it has counts everywhere")
        case false?: lines.append("  in a user namespace: what it has counts over what the namespace owns")
        case nil: break
        }
        let shown = Array(all)
        if shown.isEmpty { return lines.joined(separator: "\n") }
        let name = shown.map(\.description.count).max() ?? 0
        let flags = sets.filter { $0.letter != nil }.count
        let column = flags == 0 ? "" : "sets".padded(to: max(flags, 4)) + "  "
        lines.append("")
        lines.append(style.dim("  " + "capability".padded(to: name) + "  \(column)inside  allows"))
        for capability in shown {
            let meaning = capability.meaning
            let reach = (meaning?.reach.rawValue ?? "?").padded(to: 6)
            let marked =
                switch meaning?.reach {
                case .owned: style.green(reach)
                case .initialOnly: style.red(reach)
                default: style.yellow(reach)
                }
            let sets = flags == 0 ? "" : letters(capability).padded(to: max(flags, 4)) + "  "
            lines.append(
                "  \(capability.description.padded(to: name))  \(sets)\(marked)  "
                    + (meaning?.allows ?? "unknown: newer than this tool"))
            if explaining, let meaning {
                lines.append(String(repeating: " ", count: name + 4) + style.dim("inside: \(meaning.inside)"))
            }
        }
        return lines.joined(separator: "\n")
    }

    private func summary(_ set: CapabilitySet) -> String {
        let count = Array(set).count
        let lost = Array(set.withoutEffectInside).count
        let what = set == .supported ? "all \(count)" : count == 0 ? "none" : "\(count)"
        return "\(set.mask)  \(what)" + (lost == 0 ? "" : ", \(lost) without effect inside a user namespace")
    }

    var json: JSON {
        var members: [JSON.Member] = [
            .init("subject", .string(subject)), .init("title", .string(title)),
            .init(
                "sets",
                .object(
                    sets.map {
                        .init(
                            $0.name,
                            ["mask": .string($0.set.mask), "names": .strings($0.set.map(\.description))])
                    })),
            .init("initialUserNamespace", isInitialNamespace.map(JSON.bool) ?? .null),
            .init("noNewPrivileges", noNewPrivileges.map(JSON.bool) ?? .null),
        ]
        members.append(
            .init(
                "capabilities",
                .array(
                    all.map { capability in
                        [
                            "name": .string(capability.description), "number": .integer(capability.rawValue),
                            "sets": .strings(sets.filter { $0.set.contains(capability) }.map(\.name)),
                            "allows": .optional(capability.meaning?.allows),
                            "insideUserNamespace": .optional(capability.meaning?.reach.rawValue),
                            "inside": .optional(capability.meaning?.inside),
                        ]
                    })))
        return .object(members)
    }
}
