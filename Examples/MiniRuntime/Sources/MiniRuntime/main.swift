// SPDX-License-Identifier: Apache-2.0
//
// A container runtime: what a bundle's config.json says, in a root that is the bundle's "rootfs".
//
//     miniruntime create ID BUNDLE    makes the container, up to the exec of its command
//     miniruntime start ID            executes it: another process than the one that created it, as in OCI runtimes
//     miniruntime wait ID             waits until all of it has ended
//     miniruntime delete ID           ends what is left, and removes every trace
//     miniruntime run ID BUNDLE       all of it in one process, which answers with the command's own exit code
//     miniruntime plan BUNDLE         prints what would be done, and does nothing

import Capabilities
import Cgroups
import Foundation
import Launching
import LinuxKernel
import NodeModel
import SeccompFilters
import SystemPackage

/// A bundle's config.json.
struct Config: Decodable {
    var command: [String]
    var environment: [String: String]?
    var hostName: String?
    /// The first of the 65,536 ids of the host that the container's ids are.
    var hostIDs: UInt32
    var capabilities: [String]?
    var limits: [String: UInt64]?
    /// Files of the container's cgroup, such as "memory.max", by what is written to them.
    var cgroup: [String: String]?
}

struct Refusal: Error, CustomStringConvertible {
    var description: String
}

/// One container: its name, and where its state is while it lives.
struct Container {
    static let states = FilePath("/run/miniruntime")
    let id: String
    var state: FilePath { Self.states.appending(id) }
    var socket: FilePath { state.appending("start") }
    var group: String { "miniruntime-\(id)" }

    init(_ id: String) throws {
        guard let component = FilePath.Component(id), component.kind == .regular else {
            throw Refusal(description: "\(id) is no name for a container")
        }
        self.id = id
    }

    static func config(_ bundle: String) throws -> Config {
        try JSONDecoder().decode(
            Config.self, from: Data(contentsOf: URL(filePath: bundle).appending(path: "config.json")))
    }

    /// A bundle as a plan: a value, with nothing done.
    static func plan(_ bundle: String) throws -> Launch {
        let config = try config(bundle)
        guard let command = config.command.first else { throw Refusal(description: "config.json names no command") }

        var launch = Launch(command, arguments: Array(config.command.dropFirst()))
        launch.environment = config.environment ?? launch.environment
        launch.user = try IDMap(outside: config.hostIDs, count: 65_536)
        launch.namespaces = [.mount, .pid, .network, .ipc, .uts, .cgroup]
        launch.root = .directory(URL(filePath: bundle).standardizedFileURL.appending(path: "rootfs").path)
        launch.directory = "/"
        launch.hostName = config.hostName
        launch.identity = .root
        launch.capabilities = try config.capabilities.map { try CapabilitySet(parsing: $0) } ?? .ociDefault
        launch.limits = try (config.limits ?? [:]).map { name, value in
            guard let kind = ResourceLimit.Kind(named: name) else { throw Refusal(description: "no limit is \(name)") }
            return ResourceLimit(kind, soft: value)
        }
        launch.seccomp = try SeccompFilter.default.compiled()
        launch.reaper = true
        return launch
    }

    /// Makes the cgroup and, in it, the process that waits to be started. What fails is undone here.
    func create(_ bundle: String) throws -> CreatedChild {
        let (launch, config) = (try Self.plan(bundle), try Self.config(bundle))
        try FileManager.default.createDirectory(atPath: Self.states.string, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: state.string, withIntermediateDirectories: false)
        do {
            try FileManager.default.createSymbolicLink(
                atPath: state.appending("bundle").string,
                withDestinationPath: URL(filePath: bundle).standardizedFileURL.path)
            let files = CgroupFile.known.filter { config.cgroup?[$0.name] != nil }
            let cgroup = try Cgroup.root().createChild(group, enabling: Set(files.compactMap(\.controller)))
            for file in files { try cgroup.write(text: config.cgroup?[file.name] ?? "", to: file) }
            return try launch.create(in: cgroup, startedAt: socket)
        } catch {
            try? delete()
            throw error
        }
    }

    /// The plan again, for its words: the process waits with its own.
    func start() throws { try Self.plan(state.appending("bundle").string).startCreated(at: socket) }

    func wait() throws { _ = try Cgroup.root().openChild(group).waitUntilEmpty() }

    func delete() throws {
        if let cgroup = try Cgroup.root().child(group) {
            _ = try cgroup.killAndWait()
            try cgroup.remove(timeout: .seconds(10))
        }
        try FileManager.default.removeItem(atPath: state.string)
    }

    func run(_ bundle: String) async throws -> Int32 {
        let exit: Exit
        do {
            exit = try await create(bundle).start().ended()
        } catch {
            try? delete()
            throw error
        }
        try delete()
        return exit.status.shellCode
    }
}

do {
    let words = Array(CommandLine.arguments.dropFirst())
    switch (words.first, words.count) {
    case ("create", 3): try Container(words[1]).create(words[2]).leave()
    case ("start", 2): try Container(words[1]).start()
    case ("wait", 2): try Container(words[1]).wait()
    case ("delete", 2): try Container(words[1]).delete()
    case ("run", 3): exit(try await Container(words[1]).run(words[2]))
    case ("plan", 2): print(try Container.plan(words[1]))
    default:
        throw Refusal(description: "create ID BUNDLE | start ID | wait ID | delete ID | run ID BUNDLE | plan BUNDLE")
    }
} catch {
    FileHandle.standardError.write(Data("miniruntime: \(error)\n".utf8))
    exit(1)
}
