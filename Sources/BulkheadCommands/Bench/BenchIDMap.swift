// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// Ways to make a tree that belongs to id 0 usable for a user namespace.
extension BenchSession {
    /// Where the host sees the namespace's id 0.
    static let outside: UInt32 = 100_000

    borrowing func measureIDMaps(_ report: inout BenchReport) throws {
        report.notes["idmap"] = [
            "chown is coreutils' 'chown -R', from its start to its end; 'chown start-up' is the same of one file alone; "
                + "'chown+syncfs' brings it to the disk",
            "shift is 'bulkhead shift' without its start: it looks at the tree first, keeps lists and capabilities, can be "
                + "killed and resumed, and brings all to the disk; 'unsynced' is the same without the last of these, as "
                + "chown does; 'second part' is that without the first look; C walk is statx and fchownat alone",
            "idmap is the mount from its cloning until it is attached, the map's user namespace at hand; "
                + "'idmap+userns' makes that too; detach is umount2",
            "trees are in the kernel's caches",
        ]
        for place in request.places {
            switch place {
            case .directory(let folder):
                let scratch = try BenchScratch(in: folder)
                try measure(in: scratch, &report)
            case .newTmpfs:
                let outer = try BenchScratch(in: request.folder)
                let scratch = try BenchScratch(in: try outer.mountTmpfs())
                try measure(in: scratch, &report)
                _ = consume scratch
                _ = consume outer
            }
        }
    }

    private borrowing func measure(in scratch: borrowing BenchScratch, _ report: inout BenchReport) throws {
        for files in request.files {
            let group = BenchResult.Group(bench: "idmap", fileSystem: scratch.fileSystem, files: files)
            try step("idmap: making \(files) files on \(scratch.fileSystem)")
            let tree = try BenchTree.make(files: files, in: scratch)
            try step("idmap: made \(files) files")
            try measureMounts(tree, scratch, group, &report)
            try measureOwners(tree, group, &report)
        }
    }

    // MARK: - Mounts

    /// ID-mapped and plain mounts in turns. They take microseconds, so each run is ten of them.
    private borrowing func measureMounts(
        _ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch, _ group: BenchResult.Group,
        _ report: inout BenchReport
    ) throws {
        let map = try IDMap(outside: Self.outside, count: 65_536)
        var samples: [String: BenchSamples] = [:]
        var failed: Set<String> = []
        do {
            let namespace = try UserNamespace(mapping: map)
            for round in 0..<request.runs * 10 {
                if round.isMultiple(of: 10) { try step("idmap: \(tree.files) files, mounts, round \(round / 10 + 1)") }
                // The first round warms up and looks at every file.
                for method in ["bind", "idmap", "idmap+userns"] where !failed.contains(method) {
                    do {
                        let taken =
                            switch method {
                            case "bind": try secondsTaken { try Self.bind(tree, scratch) }
                            case "idmap": try secondsTaken { try Self.idmap(tree, scratch, namespace) }
                            default:
                                try secondsTaken { try Self.idmap(tree, scratch, try UserNamespace(mapping: map)) }
                            }
                        let owner = method == "bind" ? 0 : Self.outside
                        let detached = try Self.checkAndDetach(tree, scratch, owner: owner, all: round == 0)
                        guard round > 0 else { continue }
                        samples[method, default: BenchSamples()].add(taken)
                        if method == "idmap" { samples["detach", default: BenchSamples()].add(detached) }
                    } catch let error as KernelError where round == 0 {
                        failed.insert(method)
                        report.omissions.append(BenchOmission(group: group, method: method, reason: "\(error)"))
                    }
                }
            }
        } catch let error as KernelError where samples.isEmpty {
            report.omissions.append(BenchOmission(group: group, method: "idmap", reason: "\(error)"))
        }
        for method in ["bind", "idmap", "idmap+userns", "detach"] {
            report.add(group, method, samples[method] ?? BenchSamples(), against: method == "detach" ? nil : "bind")
        }
    }

    private static func bind(_ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch) throws {
        try DetachedMount(cloning: tree.path).attach(at: BenchScratch.mountPoint, in: scratch.directory)
    }

    private static func idmap(
        _ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch, _ namespace: borrowing UserNamespace
    ) throws {
        try DetachedMount(cloning: tree.path, mappedBy: namespace)
            .attach(at: BenchScratch.mountPoint, in: scratch.directory)
    }

    /// Whether owners are seen as they should be, here and through the mount; then the time to unmount.
    private static func checkAndDetach(
        _ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch, owner: UInt32, all: Bool
    ) throws -> Double {
        do {
            let root = try scratch.directory.open(BenchScratch.mountPoint, [.path, .directory], resolve: [])
            try tree.check(owner: owner, seenFrom: root, all: all)
            try tree.check(owner: 0, seenFrom: tree.directory, all: false)
        }
        let point = scratch.path.appending(BenchScratch.mountPoint).string
        return try secondsTaken { try MountCall.detach(point) }
    }
}
