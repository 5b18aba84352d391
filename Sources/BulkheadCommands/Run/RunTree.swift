// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import UserNamespaces

/// The cgroups of a run: those it shares with other runs, and its own, which are gone when it is.
struct RunTree: ~Copyable {
    private let mount: FilePath
    private let root: Cgroup
    /// Paths beneath the root, parents before children.
    private let groups: [String]
    private let own: [String]
    private let protects: Bool
    private let janitor: Janitor

    private var isRemoved = false

    /// Makes the cgroups. The janitor comes first: there is no instant without someone to remove them.
    init(
        beneath mount: FilePath, groups: [String], own: [String], controllers: Set<Controller>,
        holding claim: borrowing IDRangeClaim?
    ) throws(KernelError) {
        let root = try Cgroup.open(mount)
        let janitor = try Janitor(removing: own.reversed(), and: groups.reversed(), beneath: root, holding: claim)
        try Self.make(groups, own, controllers, root, janitor)
        self.mount = mount
        self.groups = groups
        self.own = own
        protects = controllers.contains(.memory)
        self.root = root
        self.janitor = janitor
    }

    deinit {
        // A step between the making and the end of `remove` threw: its error is the one to be told.
        if !isRemoved { try? Self.tearDown(root, mount, groups, own, protects) }
    }

    private static func make(
        _ groups: [String], _ own: [String], _ controllers: Set<Controller>, _ root: borrowing Cgroup,
        _ janitor: borrowing Janitor
    ) throws(KernelError) {
        var made = 0
        for attempt in 1... {
            do {
                for path in groups {
                    let place = try split(path, root)
                    _ = try place.parent.openOrCreateChild(place.name, enabling: controllers)
                }
                for path in own[made...] {
                    let place = try split(path, root)
                    _ = try place.parent.createChild(place.name, enabling: controllers)
                    made += 1
                    janitor.owns(made)
                }
                return
            } catch {
                // Another run removed a group, empty then, between our opening it and our making a child in it.
                let isRace = error.meansCgroupIsGone || error.errno == .noSuchFileOrDirectory && error.call == "openat2"
                guard isRace, made == 0, attempt < 100 else {
                    try? tearDown(root, nil, groups, Array(own[..<made]), false)
                    throw error
                }
            }
        }
    }

    /// A cgroup of the run.
    borrowing func cgroup(_ path: String) throws(KernelError) -> Cgroup { try root.openChild(path) }

    /// Raises the shared groups for what the first own cgroup is about to claim.
    borrowing func raise(min: ByteCount, low: ByteCount) throws(KernelError) {
        guard protects, let first = own.first, min > .zero || low > .zero else { return }
        let name = FilePath(first).lastComponent?.string ?? first
        try ProtectionCover(groups: groups, beneath: mount).raise(forChild: name, min: min, low: low)
    }

    /// Kills what is left, removes the cgroups, lowers the shared groups and removes those that are empty.
    consuming func remove() throws(KernelError) {
        // Where a step fails, deinit goes through all of them once more.
        try Self.tearDown(root, mount, groups, own, protects)
        isRemoved = true
    }

    private static func tearDown(
        _ root: borrowing Cgroup, _ mount: FilePath?, _ groups: [String], _ own: [String], _ protects: Bool
    ) throws(KernelError) {
        for path in own.reversed() { try root.removeOwn(path) }
        if protects, let mount { try ProtectionCover(groups: groups, beneath: mount).settle() }
        for path in groups.reversed() {
            // In use by another run, or removed by it: both are fine.
            try? root.directory.removeDirectory(path)
        }
    }
}

/// The parent of a path beneath the root, and the last name.
private func split(_ path: String, _ root: borrowing Cgroup) throws(KernelError) -> ParentAndName {
    let path = FilePath(path)
    let above = path.removingLastComponent().string
    return ParentAndName(
        parent: above.isEmpty ? try root.duplicate() : try root.openChild(above),
        name: path.lastComponent?.string ?? "")
}

private struct ParentAndName: ~Copyable {
    let parent: Cgroup
    let name: String
}

extension Cgroup {
    /// Kills and removes a cgroup beneath this one; one that is gone is no error.
    fileprivate borrowing func removeOwn(_ path: String) throws(KernelError) {
        guard let cgroup = try child(path) else { return }
        do {
            try cgroup.kill()
            try cgroup.remove(timeout: .seconds(10))
        } catch {
            guard error.meansCgroupIsGone else { throw error }
        }
    }
}
