// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters

/// One thing that a start will do: the step that a ``LaunchError`` would name, and with what.
public struct PlannedStep: Hashable, Sendable, CustomStringConvertible {
    /// Who does it.
    public enum Actor: String, Hashable, Sendable {
        /// The process that starts the command.
        case caller
        /// The new process, before it executes the command.
        case child
    }

    /// The step.
    public var step: LaunchError.Step
    /// Who does it.
    public var actor: Actor
    /// With what; empty when there is nothing to say.
    public var detail: String

    /// As `child: change to the user 1000:1000`.
    public var description: String {
        "\(actor.rawValue): \(step.rawValue)" + (detail.isEmpty ? "" : " (\(detail))")
    }
}

extension Launch: CustomStringConvertible {
    /// All that a start will do, in order: a dry run, for free. Everything up to ``LaunchError/Step/execute`` is done before
    /// `start` returns; what the plan does not ask for is no step.
    public var steps: [PlannedStep] {
        var steps: [PlannedStep] = []
        func add(_ actor: PlannedStep.Actor, _ step: LaunchError.Step, _ detail: String = "") {
            steps.append(PlannedStep(step: step, actor: actor, detail: detail))
        }
        let kinds = newKinds

        add(.caller, .prepare, preparationDetail)
        if !joins.isEmpty { add(.caller, .join, joins.map(\.kind.names).joined(separator: ", ")) }
        let born = kinds.subtracting(.cgroup)
        add(
            .caller, .clone,
            (born.isEmpty ? "in the caller's namespaces" : "in new namespaces: \(born.names)")
                + (copiesMemory ? ", with a copy of the caller's memory" : ""))
        if let user { add(.caller, .maps, "uid \(Self.line(user.uidText)), gid \(Self.line(user.gidText))") }
        if let oomScoreAdjustment { add(.caller, .oomScore, "\(oomScoreAdjustment)") }
        if let niceness { add(.caller, .niceness, "\(niceness)") }

        let isInside = user != nil || joins.contains { $0.kind == .user }
        if isInside || root != nil { add(.child, .keyring) }
        if isInside { add(.child, .identity) }
        if kinds.contains(.cgroup) { add(.child, .cgroupNamespace) }
        if let hostName { add(.child, .hostName, hostName) }
        if loopback, kinds.contains(.network) { add(.child, .loopback) }
        if let root {
            for step in root.steps {
                if step == .volumes {
                    for volume in volumes { add(.child, .mount, "\(volume)") }
                } else {
                    add(.child, .mount, "\(step)")
                }
            }
            add(.child, .pivotRoot)
        }
        if reaper { add(.child, .reaper) }
        if terminal { add(.child, .terminal, terminalSize.map { "\($0.columns) columns, \($0.rows) rows" } ?? "") }
        add(.child, .session)
        add(.child, .streams, terminal ? "the terminal" : streams.description)
        add(.child, .descriptors, descriptorDetail)
        for limit in limits { add(.child, .limits, "\(limit)") }
        if let capabilities { add(.child, .boundingSet, Self.orNone(boundingCapabilities ?? capabilities)) }
        if let identity {
            add(.child, .user, "\(identity.uid):\(identity.gid), groups \(Self.orNone(identity.groups))")
        }
        if let directory { add(.child, .directory, directory) }
        if capabilities != nil { add(.child, .capabilities, capabilityDetail) }
        if noNewPrivileges { add(.child, .noNewPrivileges) }
        if endsWithCaller { add(.child, .parentDeath) }
        if let seccomp { add(.child, .seccomp, "\(seccomp.instructions.count) instructions") }
        add(.child, .execute, ([program?.name ?? command] + arguments).map(Self.quoted).joined(separator: " "))
        return steps
    }

    /// ``steps``, one a line and numbered.
    public var description: String {
        steps.enumerated().map { "\($0.offset + 1). \($0.element)" }.joined(separator: "\n")
    }

    private var preparationDetail: String {
        var parts = ["standard streams"]
        if !volumes.isEmpty { parts.append("\(volumes.count) volume\(volumes.count == 1 ? "" : "s")") }
        if !descriptors.isEmpty { parts.append("descriptors") }
        return parts.joined(separator: ", ") + ", a channel"
    }

    private var descriptorDetail: String {
        let numbers = passed.map { "\($0.number) is \($0.descriptor.name)" }
        return (numbers + ["all others are closed"]).joined(separator: ", ")
    }

    private var capabilityDetail: String {
        guard let capabilities else { return "" }
        return
            "permitted \(Self.orNone(capabilities)); effective \(Self.orNone(effectiveCapabilities ?? capabilities)); "
            + "inheritable \(Self.orNone(inheritableCapabilities ?? ambientCapabilities)); "
            + "ambient \(Self.orNone(ambientCapabilities))"
    }

    private static func orNone(_ set: some CustomStringConvertible) -> String {
        let text = "\(set)"
        return text.isEmpty || text == "[]" ? "none" : text
    }

    private static func line(_ map: String) -> String {
        map.split(separator: "\n").map { $0.split(separator: " ").joined(separator: ":") }.joined(separator: ",")
    }

    private static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "+"):
                true
            default: false
            }
        }
        return plain && !word.isEmpty
            ? word
            : "'"
                + word.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }
}

extension Launch {
    /// The namespaces that are made: what is named, and what other wishes bring with them.
    var newKinds: NamespaceKinds {
        var kinds = namespaces
        if user != nil { kinds.insert(.user) }
        if root != nil { kinds.insert(.mount) }
        if hostName != nil, !joins.contains(where: { $0.kind == .uts }) { kinds.insert(.uts) }
        return kinds
    }

    /// Whether the child starts with a copy of the caller's memory instead of sharing it until the exec.
    var copiesMemory: Bool {
        oomScoreAdjustment != nil || reaper && !reachesProgram(joining: joins.reduce(into: []) { $0.insert($1.kind) })
    }
}

extension Streams: CustomStringConvertible {
    /// What they are, in order: as `inherited, /dev/null, /dev/null`.
    public var description: String { "\(input), \(output), \(error)" }
}

extension Streams.Stream: CustomStringConvertible {
    /// `inherited`, or the file's name.
    public var description: String {
        switch self {
        case .inherited: "inherited"
        case .null: "/dev/null"
        case .shared(let shared): shared.name
        }
    }
}

extension HostVolume: CustomStringConvertible {
    /// As `/srv/db at /data, idmapped, read-only`.
    public var description: String {
        "\(source) at \(target), \(ownership.rawValue)\(readOnly ? ", read-only" : "")"
    }
}

extension RootFileSystem.Step: CustomStringConvertible {
    /// As `new proc at /proc`.
    public var description: String {
        switch self {
        case .directory(let source, let ownership): "\(source) as the root, \(ownership.rawValue)"
        case .new(let type, let target, let options, _):
            "new \(type) at \(target)" + (options.isEmpty ? "" : " with \(options.joined(separator: ","))")
        case .bind(let source, let target, let attributes, _):
            "\(source) at \(target)" + (attributes.contains(.readOnly) ? ", read-only" : "")
        case .tree(let tree, let target): "the tree of \(tree.name) at \(target)"
        case .readOnly(let target): "\(target) read-only"
        case .link(let text, let target): "link \(target) to \(text)"
        case .makeDirectory(let target): "directory \(target)"
        case .remount(let target, let attributes):
            "\(target) again" + (attributes.contains(.readOnly) ? ", read-only" : "")
        case .optional(let step): "\(step), if it can be"
        case .volumes: "the volumes"
        }
    }
}
