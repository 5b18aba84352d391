// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NodeModel
import SystemPackage
import TestSupport
import Testing

@testable import LinuxKernel
@testable import UserNamespaces

/// What the kernel refused; nil when it did what was asked.
func refusal(_ act: () throws(KernelError) -> Void) -> KernelError? {
    do { try act() } catch { return error }
    return nil
}

@Suite("Namespaces by descriptor")
struct NamespaceTests {
    @Test("A namespace is the same by process, by path, by process descriptor and as the current one")
    func ways() throws {
        let process = try ProcessCall.open(getpid())
        for kind in NamespaceKind.allCases where readLink("/proc/self/ns/\(kind)") != nil {
            let byPid = try Namespace(kind, of: getpid())
            let id = try byPid.id()
            #expect(byPid.kind == kind && byPid.name == "\(kind):[\(id.inode)]")
            #expect(try Namespace(at: FilePath("/proc/self/ns/\(kind)")).id() == id)
            #expect(try Namespace(kind, of: process).id() == id)
            #expect(try Namespace.current(kind).id() == id)
            #expect(try Namespace(Descriptor.open(FilePath("/proc/self/ns/\(kind)"), .reading)).kind == kind)
        }
    }

    @Test("What is no namespace, or not there, says so")
    func refusals() throws {
        let file = try #require(refusal { () throws(KernelError) in _ = try Namespace(at: "/proc/self/status") })
        #expect(file.hint?.contains("not the file of a namespace") == true, "\(file)")
        let gone = try #require(refusal { () throws(KernelError) in _ = try Namespace(.network, of: Int32.max) })
        #expect(gone.errno == .noSuchFileOrDirectory && gone.hint != nil)
        let other = try #require(
            refusal { () throws(KernelError) in _ = try UserNamespace(try Namespace.current(.uts)) })
        #expect(other.hint?.contains("kind uts") == true)
        // A process that has ended and is not waited for has no namespaces any more.
        let companion = try NamespaceCall.Companion.exiting()
        _ = try ProcessCall.peek(at: companion.process)
        let ended = try #require(
            refusal { () throws(KernelError) in _ = try Namespace(.uts, of: companion.process) })
        #expect([.noSuchProcess, .noSuchFileOrDirectory, .permissionDenied].contains(ended.errno), "\(ended)")
    }

    @Test("A user namespace tells its owner, its parent and its map, and the map is verified", .needs(.root))
    func relations() throws {
        let map = try IDMap(
            uid: [
                .init(inside: 0, outside: 2_000_027_648, count: 10),
                .init(inside: 20, outside: 1_999_962_112, count: 5),
            ], gid: [.init(inside: 7, outside: 2_000_027_648, count: 65_536)])
        let made = try UserNamespace(mapping: map)
        try made.verify()
        let namespace = try made.namespace()
        #expect(namespace.kind == .user)
        #expect(try namespace.ownerUID() == geteuid())
        #expect(try namespace.parent()?.id() == Namespace.current(.user).id())
        #expect(try namespace.owner()?.id() == Namespace.current(.user).id())
        #expect(try namespace.idMap() == map)
        #expect(try UserNamespace(made.namespace()).map == map)
        #expect(try Namespace.current(.user).parent() == nil)
        #expect(try Namespace.current(.uts).owner()?.id() == Namespace.current(.user).id())
        #expect(try Namespace.current(.uts).parent() == nil)
        // Without a map it is not taken for one that has.
        let bare = try NamespaceCall.Companion.staying()
        #expect(try Namespace(.user, of: bare.pid).idMap() == nil)
    }

    @Test("A namespace is kept at a path without a process, and removed again", .needs(.root))
    func keeping() throws {
        let scratch = try Scratch()
        let path = FilePath(scratch.path("kept"))
        let id = try UserNamespace(mapping: testMap).namespace().id()
        do {
            let made = try UserNamespace(mapping: testMap).namespace()
            try made.keep(at: path)
            #expect(try Namespace(at: path).id() == made.id() && made.id() != id)
            let again = try #require(refusal { () throws(KernelError) in try made.keep(at: path) })
            #expect(again.errno == .fileExists)
        }
        #expect(try Namespace(at: path).idMap() == testMap)
        let map = try testMap
        #expect(try NamespaceSurvey.current().entries.contains { $0.paths == [path.string] && $0.map == map })
        try Namespace.removeKept(at: path)
        #expect(!FileManager.default.fileExists(atPath: path.string))
        #expect(!mountTable().contains(scratch.path))
        // What cannot be kept leaves nothing, and what is not kept is not removed.
        let own = try #require(
            refusal { () throws(KernelError) in try Namespace.current(.mount).keep(at: path) })
        #expect(own.hint?.contains("made before it") == true, "\(own)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
        try scratch.file("plain", "text")
        let plain = try #require(
            refusal { () throws(KernelError) in try Namespace.removeKept(at: FilePath(scratch.path("plain"))) })
        #expect(plain.errno == .invalidArgument && scratch.text("plain") == "text")
    }

    @Test("A process of several threads is told why it cannot enter a user namespace", .needs(.root))
    func entering() async {
        await #expect(processExitsWith: .success) {
            let other = try UserNamespace(mapping: testMap).namespace()
            let error = refusal { () throws(KernelError) in try other.enterWithThisThread() }
            precondition(error?.errno == .invalidArgument, "\(String(describing: error))")
            precondition(error?.hint?.contains("several threads") == true)
            // Nor can it make one for itself, which is why a child is made.
            precondition(variadicCall("unshare", 0x1000_0000) == -1 && errno == EINVAL)
            let own = refusal { () throws(KernelError) in try Namespace.current(.user).enterWithThisThread() }
            precondition(own?.errno == .invalidArgument)
            // The network of one thread is nobody else's: entering the own one changes nothing and is allowed.
            try Namespace.current(.network).enterWithThisThread()
        }
    }

    @Test("A survey finds what this process holds by a descriptor alone, with its map", .needs(.root))
    func survey() throws {
        let made = try UserNamespace(mapping: testMap)
        let inode = try made.namespace().id().inode
        let found = try #require(try NamespaceSurvey.current()[.user, inode])
        #expect(found.processes == 0 && found.pid == nil && found.holders.contains(getpid()))
        #expect(found.map == (try testMap) && found.ownerUID == geteuid())
        #expect(found.parent == (try Namespace.current(.user).id().inode))
        let initial = try #require(try NamespaceSurvey.current()[.user, Namespace.current(.user).id().inode])
        #expect(initial.processes > 0 && initial.command != nil && initial.map != nil)
    }
}

@Suite("User namespaces as the kernel has them")
struct UserNamespaceRuleTests {
    private func write(_ text: String, to file: String, of pid: Int32) -> KernelError? {
        refusal { () throws(KernelError) in
            try Descriptor.open(FilePath("/proc/\(pid)/\(file)"), .writing).writeValue(text, called: file, in: "\(pid)")
        }
    }

    @Test("A map is written once", .needs(.root)) func once() throws {
        let child = try NamespaceCall.Companion.staying()
        let path = FilePath("/proc/\(child.pid)/uid_map")
        let file = try Descriptor.open(path, .writing)
        try file.writeValue("0 100000 1", called: "uid_map", in: "")
        let same = refusal { () throws(KernelError) in try file.writeValue("1 100001 1", called: "uid_map", in: "") }
        #expect(same?.errno == .invalidArgument)
        #expect(write("1 100001 1", to: "uid_map", of: child.pid)?.errno == .notPermitted)
    }

    @Test(
        "A child that has ended serves root, by path and not by descriptor", .needs(.root),
        .needs(.feature("pidfd_get_namespace")))
    func zombie() throws {
        let child = try NamespaceCall.Companion.exiting()
        #expect(try ProcessCall.peek(at: child.process) == .exited(0))
        let byDescriptor = refusal { () throws(KernelError) in
            _ = try NamespaceCall.namespace(of: child.process, .user)
        }
        #expect(byDescriptor?.errno == .noSuchProcess)
        #expect(write("0 100000 1", to: "uid_map", of: child.pid) == nil)
        #expect(try Namespace(.user, of: child.pid).kind == .user)
    }

    @Test("clone3 takes a new user namespace with shared descriptors, not with shared directories", .needs(.root))
    func flags() {
        let (user, mount, fs, files) = (UInt64(0x1000_0000), UInt64(0x2_0000), UInt64(0x200), UInt64(0x400))
        #expect(ChildTrial(flags: user | fs).clone == -Errno.invalidArgument.rawValue)
        #expect(ChildTrial(flags: mount | fs).clone == -Errno.invalidArgument.rawValue)
        #expect(ChildTrial(flags: user | files).clone > 0)
    }

    @Test(
        "No other waiter of this process sees the helper, and an ignored SIGCHLD does not take it away", .needs(.root))
    func waiters() async {
        await #expect(processExitsWith: .success) {
            let child = try NamespaceCall.Companion.staying()
            precondition(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
            _ = consume child
            signal(SIGCHLD, SIG_IGN)
            let reaper = Thread { while true { if waitpid(-1, nil, 0) < 0 { usleep(100) } } }
            reaper.start()
            let map = try testMap
            for _ in 0..<scaled(100) { try UserNamespace(mapping: map).verify() }
            precondition(!hasChildren())
            // What has executed a program does have SIGCHLD: its end is lost, and what it printed is not.
            let run = try ProgramRun("/bin/sh", arguments: ["-c", "echo out; echo error >&2"], environment: [])
            precondition(run.status == nil && run.output == "out\n" && run.error == "error\n")
        }
    }

    @Test("A program's end, output and failure to start are told")
    func programs() throws {
        let run = try ProgramRun("/bin/sh", arguments: ["-c", "echo $V; exec >&-; kill -9 $$"], environment: ["V=x y"])
        #expect(run.output == "x y\n" && run.status == .killed(signal: 9))
        #expect(try ProgramRun("/bin/sh", arguments: ["-c", "cat; exit 3"], environment: []).status == .exited(3))
        let missing = refusal { () throws(KernelError) in
            _ = try ProgramRun("/no/such", arguments: [], environment: [])
        }
        #expect(missing?.errno == .noSuchFileOrDirectory)
        let large = try ProgramRun(
            "/bin/sh",
            arguments: [
                "-c", "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done",
            ],
            environment: [])
        #expect(large.status == .exited(0) && large.output.utf8.count >= 65_536)
    }

    @Test(
        "The kernel says why there are no more: chroot, and the limit inside", .needs(.root),
        .needs(.command("unshare")))
    func gates() throws {
        let scratch = try Scratch()
        let found = try shell(
            """
            unshare -m sh -c 'mount --bind / \(scratch.path) && exec chroot \(scratch.path) unshare -U true'; echo chroot $?
            unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; unshare -U true'; echo limit $?
            """)
        #expect(
            found.output.contains("Operation not permitted") && found.output.contains("chroot 1"), "\(found.output)")
        #expect(found.output.contains("No space left") && found.output.contains("limit 1"), "\(found.output)")
    }

    @Test(
        "Inside a user namespace of one's own, where root is not the host's, it goes on", .needs(.root),
        .needs(toolIsThere),
        .needs(.command("unshare")))
    func nested() throws {
        let found = try shell("unshare -Ur sh -c '$B doctor --require userns >/dev/null && $B ns user && echo fine'")
        #expect(found.lines.last == "fine", "\(found.output)")
        // The map as from inside: the one id that there is.
        #expect(found.output.contains(" 0:0:1 "), "\(found.output)")
    }

    @Test("Threads that ask a cache for one map get one namespace, which ends with its last user", .needs(.root))
    func cache() async throws {
        let cache = UserNamespaceCache(keeping: 2)
        let texts = ["0:2000027648:10", "0:2000027648:5,5:2000027653:5"]
        let inodes = try await withThrowingTaskGroup(of: UInt64.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let shared = try cache.namespace(for: IDMap(parsing: texts[number % 2]))
                    return try shared.namespace.namespace().id().inode
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(inodes.count == 1 && cache.count == 1)
        let held = try cache.namespace(for: IDMap(outside: 2_000_027_648, count: 10))
        for count in 1...3 { _ = try cache.namespace(for: IDMap(outside: 2_000_027_648, count: UInt32(count))) }
        #expect(cache.count == 3)
        #expect(try cache.namespace(for: held.namespace.map) === held)
        cache.removeAll()
        #expect(cache.count == 1)
        try withExtendedLifetime(held) { try held.namespace.verify() }
    }
}
