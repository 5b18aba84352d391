// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import Testing

/// A tree of pods of a test's own, beneath the version 2 root.
struct TestPods {
    let node: Node
    let root: CgroupPath

    init(memory: ByteCount = .mebibytes(1024)) throws {
        let name = TestTree.newName()
        root = try CgroupPath(components: [name])
        node = Node(
            capacity: NodeResources(memory: memory, milliCPU: 4000),
            layout: PodCgroupLayout(root: try CgroupName([name])))
    }

    func tree() throws -> PodTree { try PodTree(layout: node.layout) }

    /// A pod of one or more containers, each with this request and limit of memory in MiB.
    func pod(_ uid: String, request: UInt64, limit: UInt64? = nil, containers: Int = 1, cpu: String? = nil) throws
        -> Pod
    {
        var resources = ResourceRequirements()
        if request > 0 { resources.requests["memory"] = try Quantity(parsing: "\(request)Mi") }
        if let limit { resources.limits["memory"] = try Quantity(parsing: "\(limit)Mi") }
        if let cpu {
            resources.requests["cpu"] = try Quantity(parsing: cpu)
            resources.limits["cpu"] = try Quantity(parsing: cpu)
        }
        return Pod(
            namespace: "test", name: "p-\(uid)", uid: uid,
            spec: PodSpec(containers: (0..<containers).map { Container(name: "c\($0)", resources: resources) }))
    }

    /// The text of a file of a cgroup of the tree.
    func text(_ path: String, _ file: String) throws -> String? {
        try Cgroup.root().openChild(root.components[0] + (path.isEmpty ? "" : "/" + path))
            .text(of: CgroupFile(named: file))?.trimmingCharacters(in: .newlines)
    }

    /// Ends what a test has left.
    func removeAll() throws {
        let cgroups = try Cgroup.root()
        guard let mine = try cgroups.child(root.components[0]) else { return }
        _ = try mine.killAndWait(timeout: .seconds(10))
        try cgroups.removeChild(root.components[0], timeout: .seconds(10))
    }
}

/// Looks at a tree from outside, by paths, without the library's own engine.
struct SumObserver {
    let place: String

    init(_ root: CgroupPath) throws {
        place = try Cgroup.root().path.string + "\(root)"
    }

    private func value(_ path: String, _ file: String) -> UInt64? {
        guard let text = try? String(contentsOfFile: path + "/" + file, encoding: .utf8) else { return nil }
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return word == "max" ? .max : UInt64(word)
    }

    private func children(_ path: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.map { path + "/" + $0 }.filter { value($0, "memory.min") != nil }.sorted()
    }

    /// Cgroups whose children claim more than they have. What is being changed meanwhile is read until it stands still.
    func violations() -> [String] {
        var found: [String] = []
        var open = [place]
        while let path = open.popLast() {
            let below = children(path)
            open += below
            for file in ["memory.min", "memory.low"] {
                func look() -> [UInt64?] { below.map { value($0, file) } }
                for _ in 0..<50 {
                    let (own, claims) = (value(path, file), look())
                    guard value(path, file) == own, look() == claims, children(path) == below else { continue }
                    let sum = claims.reduce(UInt64(0)) { sum, claim in
                        let (total, overflow) = sum.addingReportingOverflow(claim ?? 0)
                        return overflow ? .max : total
                    }
                    if let own, own < sum { found.append("\(path) has \(file) \(own), its children \(sum)") }
                    break
                }
            }
        }
        return found
    }
}

/// A thread that can be waited for.
final class Runner: Sendable {
    private let end = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () -> Void) {
        let end = end
        Thread.detachNewThread {
            body()
            end.signal()
        }
    }

    func wait() { end.wait() }
}
