// SPDX-License-Identifier: Apache-2.0

internal import SeccompFilters

/// What a filter decides on one system call, and by which rule.
struct SeccompDecision {
    var syscall: String
    /// The call by its number; nil where the architecture does not have it.
    var call: SystemCall?
    var action: SeccompFilter.Action?
    /// What made the decision, in words.
    var reason: String
    /// Other rules for this call: those that did not hold, and those that do not count here.
    var others: [String]
    /// Whether other arguments could be decided otherwise.
    var dependsOnArguments: Bool
    private let explanation: SeccompExplanation
    private let given: Set<Int>

    init(_ explanation: SeccompExplanation, syscall: String, arguments: [UInt64], given: Set<Int>) {
        self.syscall = syscall
        self.explanation = explanation
        self.given = given
        call = SystemCall(named: syscall, on: explanation.architecture, arguments: arguments)
        action = call.flatMap { explanation.compiled.action(on: $0) }
        reason = ""
        others = []
        var deciding: (place: String, rule: SeccompFilter.Rule)?
        var asked: Set<Int> = []
        for entry in explanation.entries {
            for rule in entry.rules where rule.syscalls.contains(syscall) {
                let place = explanation.place(entry)
                let one = SeccompFilter.Rule(rule.action, [syscall], where: rule.arguments)
                if let absence = entry.absence {
                    others.append("\(place) does not count here (\(absence)): \(one)")
                    continue
                }
                asked.formUnion(rule.arguments.map { Int($0.index) })
                guard rule.action == action, rule.holds(for: arguments) else {
                    others.append("\(place) does not decide: \(one)")
                    continue
                }
                // A rule without conditions wins over those with some.
                if deciding == nil || (rule.arguments.isEmpty && deciding?.rule.arguments.isEmpty == false) {
                    deciding = (place, one)
                }
            }
        }
        dependsOnArguments = !asked.subtracting(given).isEmpty && deciding?.rule.arguments.isEmpty != true
        let highest = explanation.filter.rules.flatMap(\.syscalls)
            .compactMap { SystemCall(named: $0, on: explanation.architecture)?.number }.max()
        if call == nil {
            reason = "\(explanation.architecture) has no such system call"
        } else if let deciding {
            reason = "\(deciding.place): \(deciding.rule)"
        } else if let newer = explanation.filter.newerAction, newer == action, let highest, let call,
            call.number > highest
        {
            reason = "its number \(call.number) is above all that the profile names"
        } else {
            reason = "no rule decides: the default action"
        }
    }

    /// The call with the arguments that were given.
    private var subject: String {
        guard let call, !given.isEmpty else { return syscall }
        let values = given.sorted().map { "argument \($0) = 0x" + String(call.arguments[$0], radix: 16) }
        return "\(syscall) with \(values.joined(separator: ", "))"
    }

    var text: String {
        var lines = ["\(subject): \(action?.description ?? "does not exist")", "  \(reason)"]
        if dependsOnArguments {
            lines.append("  it depends on its arguments; those that were not given are taken as 0 (--arg N=V)")
        }
        return (lines + others.map { "  " + $0 }).joined(separator: "\n")
    }

    var json: JSON {
        [
            "profile": .string(explanation.file), "architecture": .string(explanation.architecture.rawValue),
            "syscall": .string(syscall), "number": call.map { JSON.integer($0.number) } ?? .null,
            "arguments": .object(
                given.sorted().map { index in .init("\(index)", .integer(call?.arguments[index] ?? 0)) }),
            "decision": .optional(action?.description), "reason": .string(reason),
            "dependsOnArguments": .bool(dependsOnArguments), "others": .strings(others),
        ]
    }
}
