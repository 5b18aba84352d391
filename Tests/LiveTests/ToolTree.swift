// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// A tree for the tool to look at, below a cgroup that is removed in the end.
struct ToolTree: ~Copyable {
    private let scratch: TransientCgroup
    /// The path of the tree's top, from the root of version 2.
    let top: String

    init(enabling controllers: Set<Controller> = []) throws {
        let name = TestTree.newName()
        scratch = try TransientCgroup(named: name, in: try Cgroup.root(), enabling: controllers)
        top = "/" + name
    }

    /// A cgroup below the top, made with all its parents, with the controllers enabled for it.
    @discardableResult
    func make(_ path: String, enabling controllers: Set<Controller> = []) throws -> String {
        var cgroup = try scratch.cgroup.duplicate()
        for name in path.split(separator: "/") {
            let next = try cgroup.openOrCreateChild(String(name), enabling: controllers)
            cgroup = next
        }
        return top + "/" + path
    }

    func open(_ path: String = "") throws -> Cgroup {
        path.isEmpty ? try scratch.cgroup.duplicate() : try scratch.cgroup.openChild(path)
    }

    /// Runs a script with `$B` for the tool, `$T` for the tree's top and `$R` for where version 2 is mounted.
    func shell(_ script: String) throws -> Finished {
        let root = try #require(CgroupHost.probe().root).string
        return try LiveTests.shell("T=\(top) R=\(root)\n" + script)
    }

    /// Runs the tool, which must succeed, and reads the JSON that it prints.
    func json(_ arguments: String) throws -> Document {
        let found = try shell("$B \(arguments)")
        try #require(found.exit.status == .exited(0), "\(found.output)")
        return Document(try JSONSerialization.jsonObject(with: Data(found.output.utf8)))
    }

    /// Makes page cache of so many MiB that is accounted to a cgroup; it stays until the file is removed.
    func fill(_ path: String, _ mebibytes: Int, _ scratch: Scratch) throws {
        let file = scratch.path(path.replacing("/", with: "-"))
        let found = try shell(
            "sh -c 'echo $$ >'$R$T/\(path)'/cgroup.procs && exec dd if=/dev/zero of=\(file) bs=1M count=\(mebibytes)'")
        try #require(found.exit.status == .exited(0), "\(found.output)")
    }
}

/// A JSON document, looked into by names and numbers.
struct Document {
    private let value: Any?

    init(_ value: Any?) { self.value = value }

    subscript(_ name: String) -> Document { Document((value as? [String: Any])?[name]) }
    subscript(_ index: Int) -> Document {
        let array = value as? [Any] ?? []
        return Document(array.indices.contains(index) ? array[index] : nil)
    }
    var text: String? { value as? String }
    var number: UInt64? { (value as? NSNumber)?.uint64Value }
    var bool: Bool? { value as? Bool }
    var isNull: Bool { value is NSNull }
    var count: Int { (value as? [Any])?.count ?? 0 }
    var all: [Document] { (value as? [Any] ?? []).map { Document($0) } }
}
