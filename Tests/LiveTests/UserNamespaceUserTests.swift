// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing
import UserNamespaces

/// A user with subordinate ids, and the programs that map them: the guests have one.
struct SubordinateUser: Sendable {
    var name: String
    var uid: UInt32
    var gid: UInt32
    var ids: IDRange

    static let found: SubordinateUser? = {
        let passwd = ((try? readKernelFile("/etc/passwd")) ?? "").split(separator: "\n").map {
            $0.split(separator: ":")
        }
        let groups = SubordinateIDs.parse((try? readKernelFile("/etc/subgid")) ?? "")
        for line in SubordinateIDs.parse((try? readKernelFile("/etc/subuid")) ?? "") where groups.contains(line) {
            guard let user = passwd.first(where: { $0.count > 3 && $0[0] == line.user }), let uid = UInt32(user[2]),
                let gid = UInt32(user[3]), uid > 0, line.range.count >= 1000
            else { continue }
            return SubordinateUser(
                name: line.user, uid: uid, gid: gid, ids: IDRange(first: line.range.lowerBound, count: 1000))
        }
        return nil
    }()

    static let isThere = Requirement(
        "subordinate-ids", absence: found == nil ? "nobody has a line in /etc/subuid and /etc/subgid" : nil)

    /// Makes this process that user's; like every process that changes its ids, it is not dumpable then.
    func become() {
        precondition(setgroups(0, nil) == 0 && setgid(gid) == 0 && setuid(uid) == 0)
    }

    var own: IDMap.Extent { IDMap.Extent(inside: 0, outside: uid, count: 1) }
    var ownGroup: IDMap.Extent { IDMap.Extent(inside: 0, outside: gid, count: 1) }

    /// The own ids as root, and subordinate ids in pieces: more than the six that some tools pass on.
    func map(pieces: Int, from first: UInt32? = nil) throws -> IDMap {
        let rest = (0..<pieces).map { piece in
            IDMap.Extent(
                inside: 1 + UInt32(piece) * 20, outside: (first ?? ids.first) + UInt32(piece) * 30, count: 10)
        }
        return try IDMap(uid: [own] + rest, gid: [ownGroup] + rest)
    }
}

@Suite("User namespaces of an ordinary user")
struct UserNamespaceUserTests {
    @Test("The own ids can be mapped, and nothing is left", .needs(.userNamespaces), .needs(.ordinaryUser))
    func ordinaryUserMapsItself() async {
        await #expect(processExitsWith: .success) {
            let map = try IDMap(
                uid: [.init(inside: 0, outside: geteuid(), count: 1)],
                gid: [.init(inside: 5, outside: getegid(), count: 1)])
            let made = try UserNamespace(mapping: map)
            try made.verify()
            let owner = try made.namespace().ownerUID()
            precondition(owner == geteuid())
            precondition(!hasChildren())
        }
    }

    @Test("Of others' ids the kernel takes none from an ordinary user", .needs(.userNamespaces), .needs(.ordinaryUser))
    func ordinaryUserMapsOthers() throws {
        for text in ["0 \(geteuid()) 2", "0 \(geteuid() + 1) 1"] {
            let child = try NamespaceCall.Companion.staying()
            let refused = refusal { () throws(KernelError) in
                try Descriptor.open(FilePath("/proc/\(child.pid)/uid_map"), .writing)
                    .writeValue(text, called: "uid_map", in: "")
            }
            #expect(refused?.errno == .notPermitted, "\(text)")
        }
        // gid_map only after setgroups is denied.
        let child = try NamespaceCall.Companion.staying()
        func write(_ text: String, _ file: String) -> KernelError? {
            refusal { () throws(KernelError) in
                try Descriptor.open(FilePath("/proc/\(child.pid)/\(file)"), .writing)
                    .writeValue(text, called: file, in: "")
            }
        }
        #expect(write("0 \(getegid()) 1", "gid_map")?.errno == .notPermitted)
        #expect(write("deny", "setgroups") == nil)
        #expect(write("0 \(getegid()) 1", "gid_map") == nil)
        // Root's way does not do: what has ended belongs to root.
        let ended = try NamespaceCall.Companion.exiting()
        _ = try ProcessCall.peek(at: ended.process)
        let refused = refusal { () throws(KernelError) in
            _ = try Descriptor.open(FilePath("/proc/\(ended.pid)/uid_map"), .writing)
        }
        #expect(refused?.errno == .permissionDenied)
    }

    @Test(
        "Without newuidmap, or without a line for the ids, the error says what is missing", .needs(.userNamespaces),
        .needs(.ordinaryUser))
    func ordinaryUserIsToldWhatIsMissing() throws {
        let map = try testMap
        let error = try #require(refusal { () throws(KernelError) in _ = try UserNamespace(mapping: map) })
        #expect(error.errno == .notPermitted)
        #expect(error.call == "newuidmap" && error.hint != nil, "\(error)")
    }

    @Test(
        "newuidmap and newgidmap map subordinate ids, in any number of pieces", .needs(.root), .needs(.userNamespaces),
        .needs(.command("newuidmap")), .needs(SubordinateUser.isThere))
    func subordinate() async {
        await #expect(processExitsWith: .success) {
            guard let user = SubordinateUser.found else { preconditionFailure("no user") }
            user.become()
            let map = try user.map(pieces: 20)
            // What has changed its ids is told of it, and how to go on.
            let early = refusal { () throws(KernelError) in _ = try UserNamespace(mapping: map) }
            precondition(early?.hint?.contains("PR_SET_DUMPABLE") == true, "\(String(describing: early))")
            precondition(!hasChildren())
            precondition(variadicCall("prctl", 4, 1) == 0)  // PR_SET_DUMPABLE
            let made = try UserNamespace(mapping: map)
            try made.verify()
            precondition(!hasChildren())

            let foreign = try user.map(pieces: 1, from: 3_000_000_000)
            let refused = refusal { () throws(KernelError) in _ = try UserNamespace(mapping: foreign) }
            precondition(
                refused?.call == "newuidmap" && refused?.hint?.contains("/etc/subuid") == true,
                "\(String(describing: refused))")
            precondition(!hasChildren())

            // The programs' exit status is somebody else's now; the kernel's map is believed.
            signal(SIGCHLD, SIG_IGN)
            try UserNamespace(mapping: map).verify()
            let again = refusal { () throws(KernelError) in _ = try UserNamespace(mapping: foreign) }
            precondition(again?.call == "newuidmap", "\(String(describing: again))")
            precondition(!hasChildren())
        }
    }
}

/// Calls a function of the C library that Swift does not import, with numbers.
func variadicCall(_ name: String, _ first: CUnsignedLong, _ second: CUnsignedLong = 0) -> CInt {
    typealias Call = @convention(c) (CUnsignedLong, CUnsignedLong, CUnsignedLong, CUnsignedLong, CUnsignedLong) -> CInt
    guard let symbol = unsafe dlsym(nil, name) else { preconditionFailure("no \(name)") }
    return unsafe unsafeBitCast(symbol, to: Call.self)(first, second, 0, 0, 0)
}
