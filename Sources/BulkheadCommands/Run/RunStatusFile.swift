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
        self.members = [JSON.Member("state", "starting")] + members
    }

    /// Says that it ended before it began, and why. That cannot be told is no second failure.
    mutating func failed(_ error: any Error) {
        self["state"] = "failed"
        self["error"] = .string("\(error)")
        try? write()
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
        if let path { try Output.write(.object(members), to: path) }
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
