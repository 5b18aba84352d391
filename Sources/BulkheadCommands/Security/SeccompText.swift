// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters

extension SeccompExplanation {
    /// For a terminal: what holds in general, then action by action, then what does not count, then how it differs.
    func text(_ style: Style) throws -> String {
        var lines: [String] = []
        let count = Array(capabilities).count
        let entries =
            "\(self.entries.count) \(file == "default" ? "rules" : "entries, \(counted.count) of which count")"
        lines.append(
            style.bold(file.printable)
                + "  \(entries) on \(architecture) with Linux \(kernel.release) and \(count) capabilities")
        func fact(_ name: String, _ text: String) { lines.append("  " + name.padded(to: 9) + text) }
        fact("default", "\(filter.defaultAction)")
        if let newer = filter.newerAction, newer != filter.defaultAction {
            fact("newer", "\(newer), for system calls with higher numbers than any that is named")
        }
        let others = filter.architectures.map(\.description).joined(separator: ", ")
        fact(
            "foreign", "\(filter.foreignAction), for other architectures" + (others.isEmpty ? "" : " than \(others)"))
        if !filter.flags.isEmpty { fact("flags", flagNames.joined(separator: ", ")) }
        if compiled.needsListener {
            fact("listener", listenerPath.map { "needed, at \($0)".printable } ?? "needed, and the profile names none")
        }
        fact("program", "\(compiled.instructions.count) BPF instructions")
        for part in byAction {
            let total = part.names.count + part.conditional.count
            lines += ["", style.bold("\(part.action)") + "  \(total)"]
            lines += wrapped(part.names, indent: 2)
            for (name, conditions) in part.conditional {
                for (index, condition) in conditions.enumerated() {
                    lines.append("  \(name.printable) " + (index == 0 ? "where" : "   or") + " \(condition)")
                }
            }
        }
        func section(_ title: String, _ names: [String]) {
            if !names.isEmpty { lines += ["", style.bold(title)] + wrapped(names, indent: 2) }
        }
        let absent = self.entries.filter { $0.absence != nil }
        if !absent.isEmpty {
            lines += ["", style.bold("does not count here")]
            lines += absent.map { entry in
                let names = entry.rules.first?.syscalls ?? []
                let shown = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", … (\(names.count))" : "")
                return
                    "  \(place(entry)) \(entry.absence ?? ""): \(entry.rules.first?.action.description ?? "") \(shown)"
                    .printable
            }
        }
        section("not known to the installed libseccomp, without effect", compiled.unknownSyscalls)
        section("not in this kernel", notInKernel ?? [])
        section("fields that the format does not have, without effect", unknownFields)
        if file != "default" {
            let differences = try differences()
            section("allowed here, refused by the default filter (* depends on arguments)", differences.allowedHere)
            section("refused here, allowed by the default filter (* depends on arguments)", differences.refusedHere)
        }
        return lines.joined(separator: "\n")
    }

    private func wrapped(_ words: [String], indent: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in words.map(\.printable) {
            if !line.isEmpty, line.count + word.count + 1 > 110 - indent {
                lines.append(String(repeating: " ", count: indent) + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty ? lines : lines + [String(repeating: " ", count: indent) + line]
    }

    private var flagNames: [String] {
        [(SeccompFilter.Flags.log, "log"), (.speculationAllowed, "spec_allow"), (.killableWait, "wait_killable_recv")]
            .filter { filter.flags.contains($0.0) }.map(\.1)
    }

    var json: JSON {
        get throws {
            let differences = try differences()
            return [
                "profile": .string(file), "architecture": .string(architecture.rawValue),
                "kernel": .string(kernel.release), "capabilities": .strings(capabilities.map(\.description)),
                "defaultAction": .string("\(filter.defaultAction)"),
                "newerAction": .optional(filter.newerAction.map { "\($0)" }),
                "foreignAction": .string("\(filter.foreignAction)"),
                "architectures": .strings(filter.architectures.map(\.rawValue)), "flags": .strings(flagNames),
                "needsListener": .bool(compiled.needsListener),
                "instructions": .integer(compiled.instructions.count),
                "actions": .array(
                    byAction.map { part in
                        [
                            "action": .string("\(part.action)"), "syscalls": .strings(part.names),
                            "conditional": .array(
                                part.conditional.map {
                                    ["syscall": .string($0.name), "conditions": .strings($0.conditions)]
                                }),
                        ]
                    }),
                "inactive": .array(
                    entries.filter { $0.absence != nil }.map { entry in
                        [
                            "entry": .integer(entry.index), "reason": .optional(entry.absence),
                            "rules": .strings(entry.rules.map(\.description)),
                        ]
                    }),
                "unknownToLibseccomp": .strings(compiled.unknownSyscalls),
                "notInKernel": notInKernel.map(JSON.strings) ?? .null, "unknownFields": .strings(unknownFields),
                "allowedHereOnly": .strings(differences.allowedHere),
                "refusedHereOnly": .strings(differences.refusedHere),
            ]
        }
    }
}
