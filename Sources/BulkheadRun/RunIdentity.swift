// SPDX-License-Identifier: Apache-2.0

package import Launching
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// Who a command runs as, from `USER[:GROUP]` in names or numbers; names are those of the new root.
package enum RunIdentity {
    package static func find(_ text: String?, inRoot root: String, as what: String = "--user") throws -> Identity {
        guard let text else { return .root }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, !parts.contains("") else {
            throw ToolFailure(.usage, "\(what) \(text): expected USER or USER:GROUP")
        }
        let users = try table("passwd", root)
        let user = users.first { $0[0] == parts[0] || $0[2] == parts[0] }
        guard let uid = UInt32(parts[0]) ?? user.flatMap({ UInt32($0[2]) }), uid != .max else {
            throw ToolFailure(.failed, "\(what) \(text): /etc/passwd of the root has no user '\(parts[0])'")
        }
        let groups = try table("group", root)
        guard parts.count == 2 else {
            let gid = user.flatMap { UInt32($0[3]) } ?? 0
            let member = user.map { user in
                groups.filter { $0.count > 3 && $0[3].split(separator: ",").contains { $0 == user[0] } }
                    .compactMap { UInt32($0[2]) }
            }
            return Identity(uid: uid, gid: gid, groups: member ?? [])
        }
        guard let gid = UInt32(parts[1]) ?? groups.first(where: { $0[0] == parts[1] }).flatMap({ UInt32($0[2]) }),
            gid != .max
        else { throw ToolFailure(.failed, "\(what) \(text): /etc/group of the root has no group '\(parts[1])'") }
        return Identity(uid: uid, gid: gid)
    }

    /// The lines of `/etc/passwd` or `/etc/group` beneath the root, whose links lead nowhere else; empty without one.
    private static func table(_ name: String, _ root: String) throws(KernelError) -> [[String]] {
        let directory = try Descriptor.open(FilePath(root), [.path, .directory])
        guard let file = try? directory.open("/etc/\(name)", .reading, resolve: [.inRoot, .noMagicLinks]) else {
            return []
        }
        return try file.readText().split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }.filter { $0.count >= (name == "passwd" ? 4 : 3) }
    }
}
