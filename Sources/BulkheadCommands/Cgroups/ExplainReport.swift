// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import NodeModel
internal import ToolOutput

/// What `bulkhead explain` found, before it is printed.
struct ExplainReport {
    /// What was asked about.
    let asked: CgroupPath
    let reading: ProtectionReading
    let recursion: RecursiveProtection
    /// Reclaim from the root, or from where it was asked for.
    let main: EffectiveProtection
    /// Reclaim that ancestors start when they reach their own limit.
    let local: [(limit: EffectiveProtection.Node, protection: EffectiveProtection)]

    init(
        _ asked: CgroupPath, _ reading: ProtectionReading, target: CgroupPath?, recursion: RecursiveProtection,
        pageSize: ByteCount
    ) throws {
        self.asked = asked
        self.reading = reading
        self.recursion = recursion
        func computed(_ target: CgroupPath?) throws -> EffectiveProtection {
            do {
                return try EffectiveProtection(
                    of: reading.path, in: reading.tree, target: target, recursive: recursion.isOn, pageSize: pageSize)
            } catch { throw ToolFailure(.usage, "\(error)".printable) }
        }
        if let target, !target.contains(asked) {
            throw ToolFailure(.usage, "\(target.text) is no ancestor of \(asked.text)")
        }
        guard !reading.path.isRoot || !reading.isComplete else {
            throw ToolFailure(
                asked.isRoot ? .usage : .failed,
                asked.isRoot
                    ? "the root cgroup has no protection and needs none; name one below it"
                    : "the root cgroup does not give the memory controller to its children, so \(asked.text) has no "
                        + "memory.min and memory.low")
        }
        main = try computed(target ?? reading.machine)
        local = try reading.limitedAncestors.filter { $0.path != (target ?? reading.machine) }.map {
            ($0, try computed($0.path))
        }
    }

    /// The document: sizes are bytes, null is no limit, or where nothing is computed for want of use.
    var json: JSON {
        [
            "path": .string(asked.description), "accountedIn": .string(reading.path.description),
            "target": .optional(main.target?.description),
            "recursiveProtection": [
                "on": .bool(recursion.isOn), "known": recursion.isKnown.map(JSON.bool) ?? .null,
            ],
            "complete": .bool(reading.isComplete),
            "levels": .array(main.levels.map(json)),
            "local": .array(
                local.map { found in
                    [
                        "target": .string(found.limit.path.description), "high": found.limit.high.limitJSON,
                        "max": found.limit.max.limitJSON, "levels": .array(found.protection.levels.map(json)),
                    ]
                }),
        ]
    }

    private func json(_ level: EffectiveProtection.Level) -> JSON {
        [
            "path": .string(level.path.description), "usage": .integer(level.usage.bytes),
            "high": level.high.limitJSON, "max": level.max.limitJSON, "min": json(level.min, "memory.min"),
            "low": json(level.low, "memory.low"),
        ]
    }

    private func json(_ share: EffectiveProtection.Share, _ file: String) -> JSON {
        [
            "asked": share.asked.json, "effective": share.effective?.json ?? .null, "assured": share.assured.json,
            "cut": json(share.cut, file), "weakness": json(share.weakness, file),
        ]
    }

    private func json(_ cut: EffectiveProtection.Cut?, _ file: String) -> JSON {
        guard let cut else { return .null }
        return [
            "by": .string(cut.by.description), "child": .string(cut.child.description),
            "reason": .string(cut.reason.rawValue), "asked": cut.asked.json,
            "has": cut.has.json, "claimed": cut.claimed.json, "text": .string(cut.text(file)),
        ]
    }
}

extension EffectiveProtection.Cut {
    /// The cause in words.
    func text(_ file: String) -> String {
        switch reason {
        case .asksNothing:
            has == .zero
                ? "\(by.text) asks for no \(file), so nothing below it is protected (its children claim \(claimed.short))"
                : "\(by.text) asks for no \(file) and has only \(has.short) left over from above for the \(claimed.short) "
                    + "that its children claim"
        case .asksLess:
            "\(by.text) asks for \(file) \(asked.short), less than \(child.text) alone claims (its children together \(claimed.short))"
        case .shared:
            "\(by.text) has \(file) \(has.short), and its children claim \(claimed.short) together"
        }
    }
}
