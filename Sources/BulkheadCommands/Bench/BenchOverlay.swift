// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// The layers of an image, with a tree in each, and one for changes.
struct BenchLayers: ~Copyable {
    /// The read-only ones.
    static let count = 4

    let files: Int
    let scratch: FilePath
    let lower: [FilePath]

    /// Makes layers that hold so many files together.
    init(files: Int, in scratch: borrowing BenchScratch, made: (Int) throws -> Void) throws {
        var lower: [FilePath] = []
        for layer in 0..<Self.count {
            let share = files * (layer + 1) / Self.count - files * layer / Self.count
            // The folder that is a layer has a folder of its own name, so that none hides another's.
            let name = "layer\(layer)"
            try scratch.directory.makeDirectory(name)
            let inner = try BenchScratch(reopening: scratch.path.appending(name))
            _ = try BenchTree.make(files: share, named: name, in: inner) { try made(files * layer / Self.count + $0) }
            lower.append(inner.path)
        }
        for name in ["writable", "writable/upper", "writable/work"] { try scratch.directory.makeDirectory(name) }
        self.files = files
        self.lower = lower
        self.scratch = scratch.path
    }

    /// Merges them and attaches the result.
    func mount(mappedBy namespace: borrowing UserNamespace, at point: borrowing Descriptor) throws {
        try mount(at: point) { path throws(KernelError) in try DetachedMount(cloning: path, mappedBy: namespace) }
    }

    /// The same without ID maps.
    func mount(at point: borrowing Descriptor) throws {
        try mount(at: point) { path throws(KernelError) in try DetachedMount(cloning: path) }
    }

    private func mount(
        at point: borrowing Descriptor, _ layer: (FilePath) throws(KernelError) -> DetachedMount
    ) throws {
        var layers = OverlayLayers()
        for path in lower { layers.addLower(try layer(path)) }
        layers.setUpper(try DetachedMount(cloning: scratch.appending("writable")), upper: "upper", work: "work")
        try layers.mounted().attach(at: BenchScratch.mountPoint, in: point)
    }

    /// Throws unless a file of the topmost layer with one belongs to an id, seen through the overlay. Then unmounts it.
    func checkAndUnmount(_ point: borrowing Descriptor, owner: UInt32) throws {
        let name = "\(BenchScratch.mountPoint)/layer\(Self.count - 1)"
        do {
            let seen = try point.open(name, [.path, .directory], resolve: []).status()
            guard seen.uid == owner else {
                throw BenchWrong(description: "\(name) belongs to \(seen.uid), not to \(owner)")
            }
        }
        // Not lazily: the layer for changes is used by one overlay at a time.
        try MountCall.unmount(scratch.appending(BenchScratch.mountPoint).string, lazily: false)
    }
}

extension BenchSession {
    /// An image's layers made usable: by overlaying them ID-mapped, and by chown.
    borrowing func measureOverlay(
        _ files: Int, _ scratch: borrowing BenchScratch, _ report: inout BenchReport
    ) throws {
        let group = BenchResult.Group(bench: "idmap", fileSystem: "overlay", files: files)
        let what = "overlay, \(benchFiles(files))"
        let layers = BenchHeldLayers(
            try BenchLayers(files: files, in: scratch) {
                try step("\(what): making layers", part: 0.3 * Double($0) / Double(files))
            })
        let point = BenchHeldDescriptor(try scratch.directory.duplicate())
        let map = try IDMap(outside: Self.outside, count: 65_536)
        let namespace = BenchHeldNamespace(try UserNamespace(mapping: map))

        func contender(_ method: String, _ reference: String?, owner: UInt32, _ act: @escaping () throws -> Void)
            -> BenchContender
        {
            BenchContender(method: method, reference: reference) {
                let taken = try secondsTaken(act)
                try layers.layers.checkAndUnmount(point.descriptor, owner: owner)
                return taken
            }
        }
        try step("\(what): mounts", part: 0.4)
        try compete(
            [
                contender("plain overlay", nil, owner: 0) { try layers.layers.mount(at: point.descriptor) },
                contender("idmap", "plain overlay", owner: Self.outside) {
                    try layers.layers.mount(mappedBy: namespace.namespace, at: point.descriptor)
                },
                contender("idmap+userns", "plain overlay", owner: Self.outside) {
                    try layers.layers.mount(mappedBy: try UserNamespace(mapping: map), at: point.descriptor)
                },
            ], in: group, runs: request.runs * 3, &report)
        var samples = BenchSamples()
        defer { report.add(group, "chown", samples, against: "idmap") }
        let start = ContinuousClock.now
        for run in 0..<request.runs {
            try step("\(what): chown", part: 0.6)
            for owner in [Self.outside, 0] {
                let paths = layers.layers.lower.map(\.string)
                guard let chown = try BenchProgram.find("chown", ["-R", "--", "\(owner):\(owner)"] + paths) else {
                    report.omissions.append(BenchOmission(group: group, method: "chown", reason: "not in PATH"))
                    return
                }
                do {
                    let taken = try secondsTaken { try chown.run() }
                    if run > 0 || request.runs == 1 || files > Self.largeTree { samples.add(taken) }
                } catch {
                    try step("")
                    throw error
                }
            }
            if run > 0 || files > Self.largeTree, (ContinuousClock.now - start).inSeconds > Double(request.seconds) {
                break
            }
        }
    }
}

/// Values with one owner where they cannot be.
private final class BenchHeldLayers {
    let layers: BenchLayers
    init(_ layers: consuming BenchLayers) { self.layers = layers }
}

final class BenchHeldNamespace {
    let namespace: UserNamespace
    init(_ namespace: consuming UserNamespace) { self.namespace = namespace }
}
