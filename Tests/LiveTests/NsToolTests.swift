// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing
import UserNamespaces

private struct NsDocument: Decodable {
    struct Entry: Decodable {
        var kind: String
        var inode: UInt64
        var processes: Int
        var pid, ownerUid: Int64?
        var command: String?
        var owner, parent: UInt64?
        var paths: [String]
        var holders: [Int32]
        var uidMap, gidMap: [String]?
    }
    struct Unreadable: Decodable {
        var processes: Int
        var reason: String?
    }
    var namespaces: [Entry]
    var unreadable: Unreadable
}

@Suite("bulkhead ns")
struct NsToolTests {
    private func document(_ arguments: String) throws -> NsDocument {
        let found = try shell("$B ns --json \(arguments)")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        return try JSONDecoder().decode(NsDocument.self, from: Data(found.output.utf8))
    }

    @Test("It lists namespaces with maps and owners, as JSON", .needs(.root), .needs(toolIsThere))
    func list() throws {
        let made = try UserNamespace(mapping: testMap)
        let inode = try made.namespace().id().inode
        let all = try document("")
        let entry = try #require(all.namespaces.first { $0.inode == inode })
        #expect(entry.kind == "user" && entry.uidMap == ["0:2000027648:65536"] && entry.gidMap == entry.uidMap)
        #expect(entry.parent == (try Namespace.current(.user).id().inode) && entry.ownerUid == Int64(geteuid()))
        #expect(entry.holders.contains(getpid()) && entry.processes == 0)
        #expect(Set(all.namespaces.map(\.kind)).isSuperset(of: ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]))
        #expect((all.unreadable.processes == 0) == (all.unreadable.reason == nil))
        let ours = try document("\(getpid()) /proc/self/ns/net")
        #expect(ours.namespaces.first { $0.kind == "uts" }?.inode == (try Namespace.current(.uts).id().inode))
        #expect(ours.namespaces.count >= 7)
        _ = consume made
    }

    @Test("It draws a tree, and lists one kind", .needs(.root), .needs(toolIsThere))
    func text() throws {
        let inode = try Namespace.current(.user).id().inode
        let found = try shell("LC_ALL=C.UTF-8 $B ns; echo; $B ns net")
        let parts = found.output.components(separatedBy: "\n\n")
        #expect(parts[0].contains("user \(inode)") && parts[0].contains("└─ "), "\(found.output)")
        #expect(parts[1].contains("net ") && !parts[1].contains("user "))
    }

    @Test("What it cannot find or does not know is told", .needs(toolIsThere))
    func refusals() throws {
        let found = try shell("$B ns nonsense; echo $?; $B ns 2147483647; echo $?; $B ns /etc/passwd; echo $?")
        let codes = found.output.split(separator: "\n").compactMap { Int($0) }
        #expect(codes == [2, 1, 1], "\(found.output)")
        #expect(found.output.contains("no process 2147483647"))
        #expect(found.output.contains("not the file of a namespace"))
    }

    @Test("An ordinary user sees the own namespaces, and how much not", .needs(.ordinaryUser))
    func ordinaryUserSurvey() throws {
        let survey = try NamespaceSurvey.current()
        let own = try Namespace.current(.user).id().inode
        let entry = try #require(survey[.user, own])
        #expect(entry.processes > 0 && entry.map != nil)
        // Process 1 is root's.
        #expect(survey.unreadable > 0)
    }
}

private func podStore(_ path: String) throws -> PodIDStore {
    try PodIDStore(
        at: FilePath(path), rules: PodIDRanges(range: IDRange(first: 65_536, count: 65_536 * 64), maxPods: 64))
}

@Suite("Ids of pods from several processes")
struct PodIDProcessTests {
    @Test("Processes that ask at once get blocks of their own")
    func concurrent() async throws {
        let scratch = try Scratch()
        await withTaskGroup(of: Void.self) { group in
            for name in ["a", "b", "c"] {
                group.addTask { [path = scratch.path] in
                    await #expect(processExitsWith: .success) { [path = path as String, name = name as String] in
                        let store = try podStore(path)
                        for number in 0..<16 { _ = try store.map(of: "\(name)-\(number)") }
                    }
                }
            }
        }
        let pods = try podStore(scratch.path).pods().pods
        #expect(pods.count == 48 && Set(pods.values).count == 48)
    }

    @Test("Killed at any instant, every pod has a block or none, and the next one goes on")
    func killed() async throws {
        let scratch = try Scratch()
        for round in 0..<scaled(2) {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = scratch.path as String, round = round as Int] in
                let store = try podStore(path)
                Thread.detachNewThread {
                    usleep(useconds_t.random(in: 0..<20_000))
                    kill(getpid(), SIGKILL)
                }
                while true {
                    for number in 0..<20 { _ = try store.map(of: "\(round)-\(number)") }
                    for number in 0..<20 { _ = try store.release("\(round)-\(number)") }
                }
            }
            let store = try podStore(scratch.path)
            let pods = try store.pods().pods
            #expect(Set(pods.values).count == pods.count)
            #expect(try store.map(of: "after-\(round)").uid.count == 1)
            _ = try store.removeOrphans(known: [], running: [])
            // Only a directory that was made a moment before the end may be there, empty.
            let left = try FileManager.default.subpathsOfDirectory(atPath: "\(scratch.path)/pods")
            #expect(left.count <= round + 1 && !left.contains { $0.contains("/") }, "\(left)")
        }
    }
}
