// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import Testing

@testable import UserNamespaces

/// A kubelet's root directory, removed with this value.
private final class Root {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "bulkhead-pod-ids-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func store(_ range: IDRange = IDRange(first: 65_536, count: 262_144), maxPods: Int = 4) throws -> PodIDStore {
        try PodIDStore(at: FilePath(path), rules: PodIDRanges(range: range, maxPods: maxPods))
    }

    func file(_ pod: String) -> String { "\(path)/pods/\(pod)/userns" }

    func write(_ text: String, to pod: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/pods/\(pod)", withIntermediateDirectories: true)
        try text.write(toFile: file(pod), atomically: false, encoding: .utf8)
    }

    func names() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    }
}

@Suite("Ids of pods on disk")
struct PodIDStoreTests {
    @Test("A pod keeps its ids over a restart, in the kubelet's file") func restart() throws {
        let root = try Root()
        let map = try root.store().map(of: "a")
        #expect(map.uid == map.gid && map.uid[0].inside == 0 && map.uid[0].count == 65_536)
        #expect(map.uid[0].outside >= 65_536)
        let text = try String(contentsOfFile: root.file("a"), encoding: .utf8)
        let mapping = #"[{"hostId":\#(map.uid[0].outside),"containerId":0,"length":65536}]"#
        #expect(text == #"{"uidMappings":\#(mapping),"gidMappings":\#(mapping)}"#)
        let again = try root.store()
        #expect(try again.map(of: "a") == map)
        #expect(try again.map(of: "b") != map)
    }

    @Test("The last block is the last pod's, and one more pod is refused") func exhausted() throws {
        let root = try Root()
        let store = try root.store()
        var outside: Set<UInt32> = []
        for pod in ["a", "b", "c", "d"] { outside.insert(try store.map(of: pod).uid[0].outside) }
        #expect(outside == [65_536, 131_072, 196_608, 262_144])
        do throws(PodIDStoreError) {
            _ = try store.map(of: "e")
            Issue.record("a fifth pod got ids")
        } catch { #expect(error == .range(.exhausted(4, idsPerPod: 65_536), file: nil)) }
        #expect(!FileManager.default.fileExists(atPath: "\(root.path)/pods/e"))
        #expect(try store.release("b"))
        #expect(try store.map(of: "e").uid[0].outside != 65_536 || outside.contains(65_536))
        #expect(try store.pods().pods.count == 4)
    }

    @Test("What is released leaves nothing; an unknown pod is nothing to release") func release() throws {
        let root = try Root()
        let store = try root.store()
        _ = try store.map(of: "a")
        #expect(try store.release("a"))
        #expect(try !store.release("a"))
        #expect(try root.names() == ["pods", "userns.lock"])
        // Others' files in the pod's directory stay.
        try root.write("{}", to: "b")
        try "x".write(toFile: "\(root.path)/pods/b/volume", atomically: false, encoding: .utf8)
        #expect(try store.release("b"))
        #expect(try root.names() == ["pods", "pods/b", "pods/b/volume", "userns.lock"])
    }

    @Test("Missing and empty files are pods of the host's namespace; bad ones are refused, and named") func badFiles()
        throws
    {
        let root = try Root()
        try root.write("", to: "empty")
        try FileManager.default.createDirectory(atPath: "\(root.path)/pods/none", withIntermediateDirectories: true)
        try "".write(toFile: "\(root.path)/pods/stray", atomically: false, encoding: .utf8)
        #expect(try root.store().pods().pods.isEmpty)
        let rules = try root.rules
        let good = PodIDFile(block: IDRange(first: 65_536, count: 65_536)).description
        for text in [
            "{", "[]", "null", good + "x", good.replacing("65536}]", with: "1}]"), good.replacing("65536,", with: "0,"),
        ] {
            try root.write(text, to: "bad")
            do throws(PodIDStoreError) {
                _ = try PodIDStore(at: FilePath(root.path), rules: rules)
                Issue.record("took \(text)")
            } catch { #expect("\(error)".hasPrefix("pods/bad/userns: "), "\(error)") }
        }
        try root.write(good, to: "bad")
        try root.write(good, to: "twin")
        do throws(PodIDStoreError) {
            _ = try PodIDStore(at: FilePath(root.path), rules: rules)
            Issue.record("two pods with one block")
        } catch { #expect("\(error)".contains("are pod bad's"), "\(error)") }
    }

    @Test(
        "Orphans are taken back",
        arguments: [
            ([String](), [String](), ["pod-1", "pod-2"]), (["pod-1"], [], ["pod-2"]), ([], ["pod-1"], ["pod-2"]),
        ])
    func orphans(known: [String], running: [String], released: [String]) throws {
        let root = try Root()
        let store = try root.store()
        for pod in ["pod-1", "pod-2"] { _ = try store.map(of: pod) }
        #expect(try store.removeOrphans(known: Set(known), running: Set(running)) == released)
        #expect(Set(try store.pods().pods.keys) == Set(["pod-1", "pod-2"]).subtracting(released))
    }

    @Test("A name that is no name is refused, and a link is not followed") func names() throws {
        let root = try Root()
        let store = try root.store()
        for name in ["", ".", "..", "../x", "a/b", "a\0b"] {
            do throws(PodIDStoreError) {
                _ = try store.map(of: name)
                Issue.record("took '\(name)'")
            } catch { #expect(error == .range(.wrongPodName(name), file: nil)) }
        }
        try FileManager.default.createDirectory(atPath: "\(root.path)/elsewhere", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(root.path)/pods/link", withDestinationPath: "../elsewhere")
        do throws(PodIDStoreError) {
            _ = try store.map(of: "link")
            Issue.record("followed a link")
        } catch { #expect("\(error)".contains("link"), "\(error)") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root.path)/elsewhere").isEmpty)
    }

    @Test("Threads that ask at once get blocks of their own") func threads() async throws {
        let root = try Root()
        let range = IDRange(first: 65_536, count: 65_536 * 64)
        let path = root.path
        let outside = try await withThrowingTaskGroup(of: [UInt32].self) { group in
            for task in 0..<4 {
                group.addTask {
                    let store = try PodIDStore(at: FilePath(path), rules: PodIDRanges(range: range, maxPods: 64))
                    return try (0..<16).map { try store.map(of: "pod-\(task)-\($0)").uid[0].outside }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(outside.count == 64 && Set(outside).count == 64)
    }

    @Test("What a run holds is given to no pod") func claims() throws {
        let root = try Root()
        let lock = FilePath("\(root.path)/claims")
        try "".write(toFile: lock.string, atomically: false, encoding: .utf8)
        let rules = try PodIDRanges(range: IDRange(first: 65_536, count: 131_072), maxPods: 2)
        let store = try PodIDStore(at: FilePath(root.path), rules: rules, claims: lock)
        let run = try IDRangeClaim(from: IDRangePool(ranges: [65_536...131_071]), lockFile: lock)
        #expect(try store.map(of: "a").uid[0].outside == 131_072)
        do throws(PodIDStoreError) {
            _ = try store.map(of: "b")
            Issue.record("gave what a run holds")
        } catch { #expect(error == .range(.exhausted(2, idsPerPod: 65_536), file: nil)) }
        _ = consume run
        #expect(try store.map(of: "b").uid[0].outside == 65_536)
        // And the other way: what pods keep is taken out of the runs' pool.
        var pool = IDRangePool(ranges: [65_536...262_143])
        pool.subtract(try store.pods().ranges)
        #expect(pool.blocks == [196_608])
    }
}

extension Root {
    fileprivate var rules: PodIDRanges {
        get throws { try PodIDRanges(range: IDRange(first: 65_536, count: 262_144), maxPods: 4) }
    }
}

@Suite("Where pods' ids come from")
struct PodIDRangeSourceTests {
    private func source(passwd: String?, subuid: String = "", subgid: String? = nil) throws -> PodIDRangeSource {
        let root = try Root()
        try passwd?.write(toFile: "\(root.path)/passwd", atomically: false, encoding: .utf8)
        try subuid.write(toFile: "\(root.path)/subuid", atomically: false, encoding: .utf8)
        try (subgid ?? subuid).write(toFile: "\(root.path)/subgid", atomically: false, encoding: .utf8)
        return try PodIDRangeSource.find(user: "kubelet", searchPath: "", files: root.path)
    }
    private let passwd = "root:x:0:0::/:\nkubelet:x:990:990::/:\n"

    @Test("Without such a user, or a line of its own, it is the default range") func defaults() throws {
        #expect(try source(passwd: nil).range == PodIDRanges.defaultRange)
        #expect(try source(passwd: "root:x:0:0::/:\n").range == PodIDRanges.defaultRange)
        #expect(try source(passwd: passwd, subuid: "other:100000:65536\n").range == PodIDRanges.defaultRange)
    }

    @Test("A line by name or by number is the range") func lines() throws {
        let range = IDRange(first: 65_536, count: 7_208_960)
        #expect(try source(passwd: passwd, subuid: "kubelet:65536:7208960\n").range == range)
        #expect(try source(passwd: passwd, subuid: "990:65536:7208960\n").range == range)
    }

    @Test("Two ranges, or others for groups, are refused") func refusals() throws {
        #expect(throws: PodIDRangeSourceError.ids(.notOneRange(2), user: "kubelet")) {
            try source(passwd: passwd, subuid: "kubelet:65536:65536\nkubelet:262144:65536\n")
        }
        #expect(throws: PodIDRangeSourceError.ids(.usersAndGroupsDiffer, user: "kubelet")) {
            try source(passwd: passwd, subuid: "kubelet:65536:65536\n", subgid: "kubelet:131072:65536\n")
        }
    }

    @Test("The program getsubids is asked, and its failure is one") func program() throws {
        let root = try Root()
        try passwd.write(toFile: "\(root.path)/passwd", atomically: false, encoding: .utf8)
        func script(_ text: String) throws {
            try "#!/bin/sh\n\(text)\n".write(toFile: "\(root.path)/getsubids", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(root.path)/getsubids")
        }
        func find() throws -> IDRange {
            try PodIDRangeSource.find(user: "kubelet", searchPath: root.path, files: root.path).range
        }
        try script("echo '0: kubelet 65536 2147483648'")
        #expect(try find() == IDRange(first: 65_536, count: 2_147_483_648))
        try script("[ \"$1\" = -g ] && echo '0: kubelet 131072 65536' || echo '0: kubelet 65536 65536'")
        #expect(throws: PodIDRangeSourceError.ids(.usersAndGroupsDiffer, user: "kubelet")) { try find() }
        try script("echo no such range >&2; exit 1")
        let error = #expect(throws: PodIDRangeSourceError.self) { try find() }
        #expect(error?.description.contains("no such range") == true)
        try script("kill -9 $$")
        #expect(throws: PodIDRangeSourceError.self) { try find() }
    }
}

@Suite("A pod's file")
struct PodIDFileTests {
    @Test("It reads back, and members of others are passed over") func reading() throws {
        let file = PodIDFile(block: IDRange(first: 131_072, count: 65_536))
        #expect(try PodIDFile(parsing: file.description) == file)
        let loose = """
            { "other" : [1, {"a": "}\\""}, null, -2.5e3, true],
              "gidMappings": [ {"length":65536, "hostId":131072, "extra":{}, "containerId":0} ],
              "uidMappings": [{"hostId":131072,"containerId":0,"length":65536}] }

            """
        #expect(try PodIDFile(parsing: loose) == file)
        #expect(try PodIDFile(parsing: #"{"uidMappings":null}"#) == PodIDFile(uidMappings: [], gidMappings: []))
    }

    @Test(
        "What is not the file is refused",
        arguments: [
            "", "{", "[]", "{}x", #"{"uidMappings":}"#, #"{"uidMappings":[{"hostId":-1}]}"#,
            #"{"uidMappings":[{"hostId":4294967296}]}"#, #"{"uidMappings":[{"hostId":"1"}]}"#, #"{"uidMappings":["#,
            #"{"a":"#, "{\"a", #"{"a":"\"#, String(repeating: #"{"a":"#, count: 1000),
        ])
    func refusals(text: String) { #expect(throws: PodIDRangeError.self) { try PodIDFile(parsing: text) } }
}
