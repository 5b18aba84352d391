// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// `--json-status FILE`: what runs, and how it ended. Replaced as a whole, so that a reader never sees half of it.
struct RunStatusFile {
    private let path: FilePath?
    private var members: [JSON.Member]

    init(_ path: String?, map: IDMap, cgroup: String?) {
        self.path = path.map { FilePath($0) }
        members = [
            JSON.Member("state", "running"), JSON.Member("map", .string("\(map)")),
            JSON.Member("cgroup", .optional(cgroup)),
        ]
    }

    mutating func started(pid: Int32, passedOver: [LaunchError]) throws {
        members.append(JSON.Member("pid", .integer(pid)))
        members.append(JSON.Member("passedOver", .strings(passedOver.map { "\($0)" })))
        try write()
    }

    mutating func ended(_ exit: Exit) throws {
        members[0].value = "ended"
        switch exit.status {
        case .exited(let code): members.append(JSON.Member("exitCode", .integer(code)))
        case .killed(let signal): members.append(JSON.Member("signal", .integer(signal)))
        }
        members.append(
            JSON.Member(
                "usage",
                [
                    "userMicroseconds": .integer(exit.usage.userMicroseconds),
                    "systemMicroseconds": .integer(exit.usage.systemMicroseconds),
                    "maxResidentKibibytes": .integer(exit.usage.maxResidentKibibytes),
                ]))
        try write()
    }

    private func write() throws(KernelError) {
        guard let path, let name = path.lastComponent?.string else { return }
        let folder = path.removingLastComponent()
        let directory = try Descriptor.open(folder.isEmpty ? "." : folder, [.path, .directory])
        let temporary = ".\(name).\(processID)"
        do {
            let file = try directory.open(temporary, [.create, .truncate, .writing, .noFollow], mode: 0o644)
            try file.write(Array((JSON.object(members).description + "\n").utf8))
        } catch {
            try? directory.removeFile(temporary)
            throw error
        }
        try directory.rename(temporary, to: name)
    }
}
