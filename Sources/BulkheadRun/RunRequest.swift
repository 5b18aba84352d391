// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Launching
internal import LinuxKernel
package import NodeModel
internal import SeccompFilters
package import ToolOutput

/// What `bulkhead run` was asked for, as checked values: nothing has been done yet.
package struct RunRequest {
    /// Where the ids inside come from.
    package enum IDs {
        /// A range that no other run holds; an ordinary user's own id.
        case automatic
        case given(IDMap)
    }

    var command: String
    var arguments: [String]
    var environment: [String: String]
    var directory: String
    var ids = IDs.automatic
    var user: String?
    var rootDirectory: String?
    var volumes: [RunVolume] = []
    var ownNetwork = true
    var hostName: String
    var capabilities: CapabilitySet = .userNamespaceDefault
    /// What was asked for by name: a command that is not root gets these, and only these.
    var requestedCapabilities: CapabilitySet = []
    var seccomp: CompiledFilter?
    var cgroup = RunCgroup()
    var terminal = RunTerminalChoice.auto
    var bestEffort = false
    var statusFile: String?

    /// Looks into the words, and reads the seccomp profile that they name.
    package init(_ options: RunOptions) throws {
        let words = options.command.first == "--" ? Array(options.command.dropFirst()) : options.command
        guard let command = words.first, !command.isEmpty else {
            throw ToolFailure(.usage, "no command was given; as in: bulkhead run -- id")
        }
        self.command = command
        arguments = Array(words.dropFirst())
        environment = try Self.environment(options.environment)
        directory = options.workdir
        if !options.map.isEmpty {
            ids = .given(try usage("--map") { () throws(IDMapError) in try IDMap(parsing: options.map) })
        } else if !options.uidMap.isEmpty {
            ids = .given(
                try usage("--uid-map, --gid-map") { () throws(IDMapError) in
                    try IDMap(parsingUID: options.uidMap, gid: options.gidMap)
                })
        }
        user = options.user
        rootDirectory = options.rootfs
        volumes = try options.volumes.map {
            try Self.volume($0, unsaid: options.volumeOwners, isRoot: effectiveUserID == 0)
        }
        ownNetwork = options.net == .own
        hostName = options.hostname
        (capabilities, requestedCapabilities) = try Self.capabilities(
            adding: options.addedCapabilities, dropping: options.droppedCapabilities)
        seccomp = try compiledSeccomp(options.seccomp, capabilities: capabilities)
        cgroup = try RunCgroup(options)
        terminal = options.tty
        bestEffort = options.bestEffort
        statusFile = options.jsonStatus
    }

    /// `SRC:DST[:ro][:idmap|:prefer-idmap|:shift|:plain]`.
    package static func volume(
        _ text: String, unsaid: VolumeOwners = .idmap, isRoot: Bool
    ) throws -> RunVolume {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, !parts[0].isEmpty, parts[1].hasPrefix("/") else {
            throw ToolFailure(
                .usage,
                "--volume \(text): expected SRC:DST[:ro][:idmap|:prefer-idmap|:shift|:plain] with an absolute DST")
        }
        guard !parts[1].split(separator: "/").isEmpty else {
            throw ToolFailure(.usage, "--volume \(text): '/' is the root; use --rootfs")
        }
        // An ordinary user cannot ID-map a file system of the host, and under a map of one id has no need to: what is
        // the user's own belongs to root inside.
        var owners = isRoot ? unsaid : .plain
        var isReadOnly = false
        for option in parts.dropFirst(2) {
            switch option {
            case "ro": isReadOnly = true
            case "rw": isReadOnly = false
            default:
                guard let said = VolumeOwners(rawValue: option) else {
                    let known = VolumeOwners.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ToolFailure(.usage, "--volume \(text): '\(option)' is none of ro, rw, \(known)")
                }
                guard isRoot || said == .plain else {
                    throw ToolFailure(
                        .impossible,
                        "--volume \(text): "
                            + (said == .shift
                                ? "rewriting owners takes root"
                                : "an ID map takes CAP_SYS_ADMIN over the host's file system") + "; use plain")
                }
                owners = said
            }
        }
        return RunVolume(
            HostVolume(
                source: parts[0], target: parts[1], readOnly: isReadOnly,
                ownership: owners == .idmap ? .idmapped : .plain), owners)
    }

    /// A small environment of its own, with what was asked for.
    static func environment(_ asked: [String]) throws -> [String: String] {
        var variables = ["PATH": Launch.defaultPath, "HOME": "/root"]
        for name in ["TERM", "LANG"] { variables[name] = ToolOutput.environment(name) }
        for text in asked {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !parts[0].isEmpty else { throw ToolFailure(.usage, "--env \(text): expected NAME=VALUE or NAME") }
            variables[parts[0]] = parts.count == 2 ? parts[1] : ToolOutput.environment(parts[0])
        }
        return variables
    }

    /// Docker's default set and CAP_NET_ADMIN, with what was added and without what was dropped; and the added alone.
    private static func capabilities(
        adding added: [String], dropping dropped: [String]
    ) throws -> (all: CapabilitySet, added: CapabilitySet) {
        let wanted = try usage("--cap-add") { () throws(CapabilityError) in try CapabilitySet(parsing: added) }
        let unwanted = try usage("--cap-drop") { () throws(CapabilityError) in try CapabilitySet(parsing: dropped) }
        return CapabilitySet.userNamespaceDefault.changed(adding: wanted, dropping: unwanted)
    }
}

/// Turns a value's error into a usage error that names the option.
package func usage<Value, Failure: Error & CustomStringConvertible>(
    _ option: String, _ body: () throws(Failure) -> Value
) throws(ToolFailure) -> Value {
    do { return try body() } catch { throw ToolFailure(.usage, "\(option): \(error)") }
}
