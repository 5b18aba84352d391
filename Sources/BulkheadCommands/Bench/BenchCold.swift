// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// The same with nothing in the kernel's caches, as after a start of the machine.
extension BenchSession {
    /// Before each timing the file system is mounted anew, so everything of the tree is opened for it and closed again.
    borrowing func measureCold(
        _ files: Int, _ volume: BenchVolume, at path: FilePath, _ report: inout BenchReport
    ) throws {
        guard volume.canGoCold else { return }
        let group = BenchResult.Group(
            bench: "idmap", fileSystem: volume.type, files: files, task: BenchResult.Group.cold)
        // Not those that only tell where the time goes.
        let known = report.results.filter { $0.group.fileSystem == volume.type && $0.group.files == files }
        let methods = ["bind", "idmap", "chown", "shift", "shift, 1 thread"].filter { method in
            known.contains { $0.method == method }
        }
        let namespace = try UserNamespace(mapping: try IDMap(outside: Self.outside, count: 65_536))
        var samples: [String: BenchSamples] = [:]
        defer {
            for method in methods {
                let reference =
                    method == "bind" ? nil : method == "idmap" ? "bind" : method == "chown" ? "idmap" : "chown"
                report.add(group, method, samples[method] ?? BenchSamples(), against: reference)
            }
        }
        // Counting left it with one owner or the other.
        var owner = try Self.owner(of: path)
        let start = ContinuousClock.now
        for run in 0..<max(1, request.runs / 3) {
            for method in methods {
                try step(
                    "\(volume.type), \(benchFiles(files)), cold: \(method)", part: min(0.99, 0.7 + 0.1 * Double(run)))
                // What was done last is brought to the disk, and then forgotten.
                try volume.remount()
                do {
                    let taken = try Self.timeCold(method, files, path, namespace, owner: &owner)
                    samples[method, default: BenchSamples()].add(taken)
                } catch {
                    try step("")
                    throw error
                }
            }
            if (ContinuousClock.now - start).inSeconds > Double(request.seconds) { break }
        }
    }

    private static func owner(of path: FilePath) throws -> UInt32 {
        let scratch = try BenchScratch(reopening: path)
        return try scratch.directory.status(of: BenchTree.name).uid
    }

    private static func timeCold(
        _ method: String, _ files: Int, _ path: FilePath, _ namespace: borrowing UserNamespace, owner: inout UInt32
    ) throws -> Double {
        let scratch = try BenchScratch(reopening: path)
        let tree = try BenchTree(reopening: BenchTree.name, files: files, in: scratch)
        switch method {
        case "bind", "idmap":
            let taken = try secondsTaken {
                if method == "bind" { try bind(tree, scratch) } else { try idmap(tree, scratch, namespace) }
            }
            let mounted = scratch.path.appending(BenchScratch.mountPoint)
            try MountCall.unmount(mounted.string, lazily: false)
            return taken
        default:
            let root = BenchHeldDescriptor(try tree.directory.open(".", [.reading, .directory], resolve: []))
            guard let way = ways(tree.path, root).first(where: { $0.method == method }) else { return 0 }
            let next: UInt32 = owner == 0 ? outside : 0
            let taken = try way.move(owner, next)
            owner = next
            return taken
        }
    }
}
