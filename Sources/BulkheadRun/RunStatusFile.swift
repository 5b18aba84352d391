// SPDX-License-Identifier: Apache-2.0

internal import Launching
package import LinuxKernel
internal import NodeModel
internal import SystemPackage
package import ToolOutput

/// `--json-status FILE`: what runs, and how it ended. Replaced as a whole, so that a reader never sees half of it.
package struct StatusFile {
    private let path: FilePath?
    package var members: [JSON.Member]

    package init(_ path: String?, _ members: @autoclosure () -> [JSON.Member]) {
        self.path = path.map { FilePath($0) }
        self.members = path == nil ? [] : [JSON.Member("state", "starting")] + members()
    }

    /// Changes what the file says and writes it anew; nothing without a file.
    mutating func update(_ change: (inout StatusFile) -> Void) throws(KernelError) {
        guard path != nil else { return }
        change(&self)
        try write()
    }

    /// Says that it ended before it began, and why. That cannot be told is no second failure.
    package mutating func failed(_ error: any Error) {
        try? update { status in
            status["state"] = "failed"
            status["error"] = .string("\(error)")
        }
    }

    /// Sets a member, or adds it.
    package subscript(_ name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            members.removeAll { $0.name == name }
            if let newValue { members.append(JSON.Member(name, newValue)) }
        }
    }

    /// Writes the file anew.
    package func write() throws(KernelError) {
        if let path { try Output.write(.object(members), to: path) }
    }
}

extension Exit {
    /// How a command ended and what it used, for a status file.
    package var members: [JSON.Member] {
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
