// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// `--json-status FILE`: what runs, and how it ended. Replaced as a whole, so that a reader never sees half of it.
struct StatusFile {
    private let path: FilePath?
    var members: [JSON.Member]

    init(_ path: String?, _ members: [JSON.Member]) {
        self.path = path.map { FilePath($0) }
        self.members = [JSON.Member("state", "running")] + members
    }

    /// Sets a member, or adds it.
    subscript(_ name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            members.removeAll { $0.name == name }
            if let newValue { members.append(JSON.Member(name, newValue)) }
        }
    }

    /// Writes the file anew.
    func write() throws(KernelError) {
        guard let path, let name = path.lastComponent?.string else { return }
        let folder = path.removingLastComponent()
        let directory = try Descriptor.open(folder.isEmpty ? "." : folder, [.path, .directory])
        let temporary = ".\(name).\(processID)"
        do {
            let file = try directory.open(temporary, [.create, .truncate, .writing, .noFollow], mode: 0o644)
            try file.write(Array((JSON.object(members).description + "\n").utf8))
            try directory.rename(temporary, to: name)
        } catch {
            try? directory.removeFile(temporary)
            throw error
        }
    }
}

extension Exit {
    /// How a command ended and what it used, for a status file.
    var members: [JSON.Member] {
        let end: JSON.Member =
            switch status {
            case .exited(let code): JSON.Member("exitCode", .integer(code))
            case .killed(let signal): JSON.Member("signal", .integer(signal))
            }
        let usage: JSON = [
            "userMicroseconds": .integer(usage.userMicroseconds),
            "systemMicroseconds": .integer(usage.systemMicroseconds),
            "maxResidentKibibytes": .integer(usage.maxResidentKibibytes),
        ]
        return [end, JSON.Member("usage", usage)]
    }
}
