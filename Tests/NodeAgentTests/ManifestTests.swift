// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NodeModel
import PodManifests
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import NodeAgent

@Suite("A folder of manifests") struct ManifestTests {
    @Test func `Regular files are read, whatever else is there is told or passed over`() throws {
        let node = try TestNode()
        let outside = try TestNode()
        try outside.write("target.yaml", "target")
        try node.write("a.yaml", "a")
        try node.write(".hidden.yaml", "hidden")
        try node.write("large.yaml", String(repeating: "x", count: 101))
        try Data([0x66, 0xff, 0xfe]).write(to: node.folder.appending(path: "binary.yaml"))
        try FileManager.default.createDirectory(
            at: node.folder.appending(path: "folder"), withIntermediateDirectories: true)
        #expect(unsafe mkfifo(node.folder.appending(path: "pipe").path, 0o600) == 0)
        for (name, target) in [
            ("link.yaml", outside.folder.appending(path: "target.yaml").path), ("device", "/dev/zero"),
            ("dangling", "nowhere"), ("loop", "loop"), ("endless", "/proc/self/pagemap"),
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: node.folder.appending(path: name).path, withDestinationPath: target)
        }
        let files = try ManifestFolder(FilePath(node.folder.path), limit: 100).files()
        #expect(files["a.yaml"] == .text("a"))
        #expect(files["link.yaml"] == .text("target"))
        func reason(_ name: String) -> String {
            if case .unreadable(let reason)? = files[name] { reason } else { "" }
        }
        #expect(reason("large.yaml").contains("more than 100 bytes"))
        #expect(reason("binary.yaml").contains("UTF-8"))
        #expect(reason("pipe").contains("no regular file"))
        #expect(reason("device").contains("no regular file"))
        #expect(reason("dangling").contains("No such file"))
        #expect(!reason("loop").isEmpty)
        #expect(!reason("endless").isEmpty)
        #expect(files.count == 9)
    }

    @Test("What is being written is not read, and what is read is not written to", .needs(.root))
    func writing() throws {
        let node = try TestNode()
        try node.write("a.yaml", "half")
        let folder = ManifestFolder(FilePath(node.folder.path))
        let writer = try #require(FileHandle(forWritingAtPath: node.folder.appending(path: "a.yaml").path))
        guard case .unreadable(let reason)? = try folder.files()["a.yaml"] else {
            Issue.record("a file that is open for writing was read")
            return
        }
        #expect(reason.contains("being written"))
        try writer.close()
        #expect(try folder.files()["a.yaml"] == .text("half"))
    }

    private func names(_ set: ManifestSet) -> [String] { set.wanted().items.map { $0.item.name.name } }

    @Test func `What a broken file said before stays in force, and what a removed one said goes`() throws {
        var set = ManifestSet()
        let good = Manifest.pod("a") + "\n---\n" + Manifest.pod("b")
        set.update(["two.yaml": .text(good), "c.yaml": .text(Manifest.pod("c"))])
        #expect(names(set) == ["c", "a", "b"])
        let broken: [ManifestFolder.Content] = [
            .text("kind: ["), .text("kind: Pod"), .text(good.replacing("command", with: "commnad")), .unreadable("why"),
            .text(good.replacing("[\"a\"]", with: "3")), .text("kind: Deployment\napiVersion: apps/v1"),
        ]
        for content in broken {
            set.update(["two.yaml": content, "c.yaml": .text(Manifest.pod("c"))])
            #expect(names(set) == ["c", "a", "b"])
            let problem = try #require(set.wanted().problems.first)
            #expect(problem.file == "two.yaml")
            #expect(problem.reason.hasSuffix("; what it said before stays in force"))
        }
        set.update(["two.yaml": .text(""), "c.yaml": .text(Manifest.pod("c"))])
        #expect(names(set) == ["c"] && set.wanted().problems == [])
        set.update([:])
        #expect(names(set) == [])
        set.update(["two.yaml": .text("kind: [")])
        #expect(names(set) == [])
        #expect(set.wanted().problems.first?.reason.contains("stays in force") == false)
    }

    @Test func `An error names the file, the line and the field`() throws {
        var set = ManifestSet()
        set.update(["a.yaml": .text(Manifest.pod("a").replacing("[\"a\"]", with: "3"))])
        let problem = try #require(set.wanted().problems.first)
        #expect(problem.line == 5 && problem.field == "spec.containers[0].command")
        #expect(problem.description.hasPrefix("a.yaml:5: spec.containers[0].command: "))
    }

    @Test func `What is wrong in an environment is told without the value`() throws {
        var set = ManifestSet()
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: host, "
        set.update(["a.yaml": .text(pod + "env: [{name: PIN, value: 123456}]}]}}")])
        let problem = try #require(set.wanted().problems.first)
        #expect(problem.field == "spec.containers[0].env[0].value")
        #expect(!problem.description.contains("123456"))
    }

    @Test func `Of two files that describe one object the first by name is heard`() throws {
        var set = ManifestSet()
        let uid =
            "{apiVersion: v1, kind: Pod, metadata: {name: NAME, uid: u}, spec: {containers: [{name: a, image: host}]}}"
        set.update([
            "b.yaml": .text(Manifest.pod("a", command: "b")), "a.yaml": .text(Manifest.pod("a", command: "a")),
            "c.yaml": .text(uid.replacing("NAME", with: "c")), "d.yaml": .text(uid.replacing("NAME", with: "d")),
        ])
        #expect(set.wanted().items.map(\.file) == ["a.yaml", "c.yaml"])
        #expect(set.wanted().problems.map(\.file) == ["b.yaml", "d.yaml"])
        // The other one takes its place.
        set.update(["b.yaml": .text(Manifest.pod("a", command: "b"))])
        #expect(set.wanted().items.map(\.file) == ["b.yaml"])
    }

    @Test func `A pod that asks for what nothing here does stays in its version before`() throws {
        var set = ManifestSet()
        let bad = Manifest.pod("a", command: "new", more: "securityContext: {sysctls: [{name: x, value: y}]}")
        set.update(["a.yaml": .text(bad)])
        #expect(set.wanted().items.isEmpty)
        #expect(set.wanted().problems.map(\.field) == ["spec.securityContext.sysctls"])
        set.update(["a.yaml": .text(Manifest.pod("a"))])
        let good = set.wanted().items
        set.update(["a.yaml": .text(bad)])
        #expect(set.wanted().items == good && good.count == 1)
        #expect(set.wanted().problems.first?.reason.hasSuffix("the version before stays in force") == true)
    }

    @Test
    func `A file that is broken while no agent runs does not end its pods, nor does a folder that cannot be read`()
        async throws
    {
        let node = try TestNode()
        try node.write("a.yaml", Manifest.pod("a"))
        try await node.withAgent { _ in try await node.eventually("it runs") { node.kernel.running.count == 1 } }
        try node.write("a.yaml", "kind: [")
        try await node.withAgent { agent in
            try await node.eventually("the problem is told") { await agent.problems().first?.file == "a.yaml" }
            try await node.eventually("the pod was taken over") { await agent.statuses().first?.phase == .running }
        }
        let aside = node.folder.appendingPathExtension("aside")
        try FileManager.default.moveItem(at: node.folder, to: aside)
        try await node.withAgent { agent in
            try await node.eventually("the problem is told") {
                await agent.problems().contains { $0.reason.contains("cannot be read") }
            }
            try await node.eventually("the pod was taken over") { await agent.statuses().first?.phase == .running }
            try FileManager.default.moveItem(at: aside, to: node.folder)
            try node.write("b.yaml", Manifest.pod("b"))
            try await node.eventually("the folder is watched again") { node.kernel.running.count == 2 }
        }
        #expect(node.kernel.starts.count == 2)
    }
}
