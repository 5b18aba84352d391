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
            "shift is 'bulkhead shift' without its start, by as many threads as there are processors: it looks at the tree "
                + "first, keeps lists and capabilities, can be killed and resumed, and brings all to the disk; 'unsynced' "
                + "is the same without the last of these, as chown does; 'second part' is that without the first look; "
                + "C walk is statx and fchownat alone",
            "idmap is the mount from its cloning until it is attached, the map's user namespace at hand; "
                + "'idmap+userns' makes that too; detach is umount2; bind is a plain bind mount",
            "overlay: \(BenchLayers.count) read-only layers and one for changes, all by descriptor, merged and attached; "
                + "'idmap' maps each read-only layer, 'chown' rewrites them",
            "files are empty, a hundred in a directory; ext4, xfs and btrfs are new ones in a sparse image on a loop device, "
                + "all mounts in a mount namespace of the benchmark's own",
            "cold: the file system is unmounted before each run, the caches of the device and of its image are dropped, and "
                + "it is mounted again; what the disk below the image caches is out of reach. Otherwise trees are in the "
                + "kernel's caches",
            "system calls are counted by the kernel (tracepoint raw_syscalls:sys_enter) in one run by itself, threads and "
                + "programs started included; device bytes written are those of the loop device in that run, with a syncfs "
                + "at its end (/sys/block/loopN/stat)",
        ]
        // Opened before anything covers it.
        let folder = try Descriptor.open(request.folder, [.path, .directory])
        // Mounts that nobody else sees, and that end with this process, killed or not.
        try MountCall.enterPrivateNamespace()
        meter.expect(request.places.count, of: request.files)
        // Small trees of all file systems first: whoever stops it half-way has a whole picture of those.
        for files in request.files {
            for place in request.places {
                do {
                    try measure(place, files, folder, &report)
                } catch let stop as BenchInterrupted {
                    throw stop
                } catch let failure as BenchWrong {
                    throw failure
                } catch {
                    // A full disk, say: what else there is can be measured all the same.
                    let group = BenchResult.Group(bench: "idmap", fileSystem: place.name, files: files)
                    report.omissions.append(BenchOmission(group: group, method: "the rest", reason: "\(error)"))
                }
                meter.finish(files)
            }
        }
    }

    private borrowing func measure(
        _ place: BenchRequest.Place, _ files: Int, _ folder: borrowing Descriptor, _ report: inout BenchReport
    ) throws {
        switch place {
        case .directory(let path):
            let scratch = try BenchScratch(in: path)
            try measure(files, in: scratch, nil, &report)
        case .new(let type):
            guard let volume = try volume(type, files, folder, &report) else { return }
            let path = try measure(files, in: volume, &report)
            try measureCold(files, volume, at: path, &report)
        case .overlay:
            for type in ["ext4", "tmpfs"] {
                guard let volume = try volume(type, files, folder, named: "overlay", &report) else { continue }
                try measureOverlay(files, try BenchScratch(in: volume.path, isDisposable: true), &report)
                break
            }
        }
    }

    /// A file system for so many files; nil where there can be none, which the report then says.
    private borrowing func volume(
        _ type: String, _ files: Int, _ folder: borrowing Descriptor, named name: String? = nil,
        _ report: inout BenchReport
    ) throws -> BenchVolume? {
        let group = BenchResult.Group(bench: "idmap", fileSystem: name ?? type, files: files)
        try step("idmap: making \(type) for \(files) files")
        let inodes = BenchTree.inodes(of: files)
        var reason = try BenchVolume.shortage(for: inodes, on: type, in: folder)
        if reason == nil {
            do {
                return try BenchVolume(type, inodes: inodes, in: folder, covering: request.folder)
            } catch {
                // The signal may have ended mkfs.
                try step("")
                reason = "\(error)"
            }
        }
        report.omissions.append(BenchOmission(group: group, method: "new \(type)", reason: reason ?? ""))
        return nil
    }

    /// What is in the kernel's caches; the folder of the tree.
    private borrowing func measure(
        _ files: Int, in volume: BenchVolume, _ report: inout BenchReport
    ) throws -> FilePath {
        let scratch = try BenchScratch(in: volume.path, isDisposable: true)
        try measure(files, in: scratch, volume, &report)
        return scratch.path
    }

    private borrowing func measure(
        _ files: Int, in scratch: borrowing BenchScratch, _ volume: BenchVolume?, _ report: inout BenchReport
    ) throws {
        let group = BenchResult.Group(bench: "idmap", fileSystem: volume?.type ?? scratch.fileSystem, files: files)
        let tree = try makeTree(files, in: scratch, group)
        try measureMounts(tree, scratch, group, volume, &report)
        try measureOwners(tree, group, volume, &report)
    }

    private borrowing func makeTree(
        _ files: Int, in scratch: borrowing BenchScratch, _ group: BenchResult.Group
    ) throws -> BenchTree {
        let what = "\(group.fileSystem ?? ""), \(benchFiles(files))"
        try step("\(what): making them", part: 0)
        let start = ContinuousClock.now
        return try BenchTree.make(files: files, in: scratch) { made in
            let rate = Double(made) / max(0.001, (ContinuousClock.now - start).inSeconds)
            try step("\(what): making them, \(Int(rate))/s", part: 0.2 * Double(made) / Double(files))
        }
    }

    // MARK: - Mounts

    /// ID-mapped and plain mounts in turns.
    private borrowing func measureMounts(
        _ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch, _ group: BenchResult.Group,
        _ volume: BenchVolume?, _ report: inout BenchReport
    ) throws {
        let map = try IDMap(outside: Self.outside, count: 65_536)
        var samples: [String: BenchSamples] = [:]
        var counts: [String: [String: Int]] = [:]
        var failed: Set<String> = []
        // Also of what was measured until a signal came.
        defer {
            for method in ["bind", "idmap", "idmap+userns", "detach"] {
                let reference = method == "detach" || method == "bind" ? nil : "bind"
                let spread = reference.flatMap { samples[method]?.spread(against: samples[$0] ?? BenchSamples()) }
                report.add(
                    group, method, samples[method] ?? BenchSamples(), against: reference, spread: spread,
                    counts: counts[method] ?? [:])
            }
        }
        let namespace: BenchHeldNamespace
        do { namespace = BenchHeldNamespace(try UserNamespace(mapping: map)) } catch {
            report.omissions.append(BenchOmission(group: group, method: "idmap", reason: "\(error)"))
            return
        }
        let rounds = request.runs * 10
        for round in 0...rounds {
            if round.isMultiple(of: 10) {
                try step(
                    "\(group.fileSystem ?? ""), \(benchFiles(tree.files)): mounts",
                    part: 0.2 + 0.1 * Double(round) / Double(rounds))
            }
            // The first round warms up, looks at the files, and is counted.
            for method in ["bind", "idmap", "idmap+userns"] where !failed.contains(method) {
                do {
                    if round == 0 {
                        counts[method] = try costs(
                            of: { try Self.mount(method, tree, scratch, namespace.namespace) }, tree.directory, volume)
                    } else {
                        let taken = try secondsTaken { try Self.mount(method, tree, scratch, namespace.namespace) }
                        samples[method, default: BenchSamples()].add(taken)
                    }
                    let owner = method == "bind" ? 0 : Self.outside
                    let detached = try Self.checkAndDetach(tree, scratch, owner: owner, all: round == 0)
                    if round > 0, method == "idmap" { samples["detach", default: BenchSamples()].add(detached) }
                } catch let error as KernelError where round == 0 {
                    failed.insert(method)
                    report.omissions.append(BenchOmission(group: group, method: method, reason: "\(error)"))
                }
            }
        }
    }

    /// What an act costs beside time, where that can be told: system calls, and bytes written to the device until all is there.
    borrowing func costs(
        of act: () throws -> Void, _ tree: borrowing Descriptor, _ volume: BenchVolume?
    ) throws -> [String: Int] {
        var costs: [String: Int] = [:]
        let root = try tree.open(".", [.reading, .directory], resolve: [])
        if volume != nil { try root.synchronizeFileSystem() }
        let before = try volume?.bytesWritten()
        if let calls = try calls.count(act) { costs["system calls"] = Int(calls) }
        if let volume, let before {
            try root.synchronizeFileSystem()
            if let after = try volume.bytesWritten() { costs[BenchResult.bytesWritten] = Int(after - before) }
        }
        return costs
    }

    private static func mount(
        _ method: String, _ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch,
        _ namespace: borrowing UserNamespace
    ) throws {
        switch method {
        case "bind": try bind(tree, scratch)
        case "idmap": try idmap(tree, scratch, namespace)
        default: try idmap(tree, scratch, try UserNamespace(mapping: namespace.map))
        }
    }

    static func bind(_ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch) throws {
        try DetachedMount(cloning: tree.path).attach(at: BenchScratch.mountPoint, in: scratch.directory)
    }

    static func idmap(
        _ tree: borrowing BenchTree, _ scratch: borrowing BenchScratch, _ namespace: borrowing UserNamespace
    ) throws {
        try DetachedMount(cloning: tree.path, mappedBy: namespace)
            .attach(at: BenchScratch.mountPoint, in: scratch.directory)
    }

    /// Whether owners are seen as they should be, here and through the mount; then the time to unmount.
    static func checkAndDetach(
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
