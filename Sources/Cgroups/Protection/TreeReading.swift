// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension LiveTree {
    /// What is in one cgroup, as far as a change of these files looks at it; nil when there is no such cgroup.
    borrowing func node(
        _ path: CgroupPath, files: Set<String>, enabled: Bool
    ) throws(KernelError) -> TreeState.Node? {
        let directory: Descriptor
        do { directory = try reader(path) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
        var node = TreeState.Node()
        node.record = try record(directory, path)
        for file in files {
            for (knob, value) in ControlKnob.values(in: try text(file, directory) ?? "", of: file) {
                node.values[knob] = value
            }
        }
        if enabled {
            let words = try text(CgroupFile.subtreeControl.name, directory) ?? ""
            node.enabled = Set(words.split(whereSeparator: \.isWhitespace).map(String.init))
        }
        if files.contains(ControlKnob.memoryMax.file) {
            node.usage = try text("memory.current", directory).flatMap { ByteCount(kernelText: $0[...]) }
        }
        return node
    }

    /// What is in the cgroup of a target: its own values and protections; where that is all there is to be, also what was
    /// ours and is no longer planned.
    borrowing func node(
        of target: TreeTarget, reading more: Set<String> = [], enabled: Bool, isWhole: Bool, wasCutOff: Bool
    ) throws(KernelError) -> TreeState.Node? {
        var files = Set(target.values.map(\.knob.file)).union(more)
        if !target.path.isRoot { files.formUnion(["memory.min", "memory.low", "memory.max"]) }
        guard var node = try node(target.path, files: files, enabled: enabled) else { return nil }
        let others = Set(node.record?.values.keys.map(\.file) ?? []).subtracting(files)
        if isWhole, !others.isEmpty {
            let rest = try self.node(target.path, files: others, enabled: false)
            node.values.merge(rest?.values ?? [:]) { first, _ in first }
        }
        if wasCutOff, node.record == nil { node.record = try lostRecord(target.path) }
        return node
    }

    /// The record that a cgroup lacks when we were cut off between making it and writing that down: then it is empty.
    borrowing func lostRecord(_ path: CgroupPath) throws(KernelError) -> CgroupRecord? {
        guard try childCount(path) == 0, try mount.open(path).read(.events)?.populated == false else { return nil }
        var record = CgroupRecord()
        record.isMade = true
        return record
    }

    /// Whether something above knows of a tree: it is noted there before the root is made.
    borrowing func wasBegun(_ root: CgroupPath) throws(KernelError) -> Bool {
        var above = root.parent
        while let path = above {
            if try record(path)?.trees.contains(root) == true { return true }
            above = path.parent
        }
        return false
    }

    /// Our record on a cgroup; nil when there is none, or no such cgroup.
    borrowing func record(_ path: CgroupPath) throws(KernelError) -> CgroupRecord? {
        do { return try record(reader(path), path) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    private borrowing func record(
        _ directory: borrowing Descriptor, _ path: CgroupPath
    ) throws(KernelError) -> CgroupRecord? {
        guard let text = try directory.attribute(attribute) else { return nil }
        do { return try CgroupRecord(parsing: text) } catch {
            throw KernelError(
                "fgetxattr", attribute, in: place(path), errno: .badMessage, hint: "\(error)")
        }
    }

    /// The protections of a cgroup and its record, or nil when it is gone.
    borrowing func claims(_ path: CgroupPath) throws(KernelError) -> (
        record: CgroupRecord?, min: ByteCount, low: ByteCount
    )? {
        guard let node = try node(path, files: ["memory.min", "memory.low"], enabled: false) else { return nil }
        return (
            node.record, node.values[.memoryMin].flatMap { ByteCount(kernelText: $0[...]) } ?? .zero,
            node.values[.memoryLow].flatMap { ByteCount(kernelText: $0[...]) } ?? .zero
        )
    }

    /// The names of the cgroups directly below; none when the cgroup itself is missing.
    borrowing func children(_ path: CgroupPath) throws(KernelError) -> [String] {
        do { return try reader(path).directories() } catch {
            if error.errno == .noSuchFileOrDirectory { return [] }
            throw error
        }
    }

    /// How many cgroups are directly below: the directory's links, but for its own two. Nil when it is missing.
    borrowing func childCount(_ path: CgroupPath) throws(KernelError) -> UInt64? {
        do {
            let links = try mount.directory.status(of: path.isRoot ? "." : relative(path)).links
            return UInt64(links) - min(UInt64(links), 2)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// The text of a small file beneath an open directory; nil when it is not there.
    private borrowing func text(_ file: String, _ directory: borrowing Descriptor) throws(KernelError) -> String? {
        do { return try directory.open(file, .reading).readText().trimmingNewline } catch {
            if error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone { return nil }
            throw error
        }
    }
}
