// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Moves the processes that are in this cgroup itself into a child, which is made when it is missing, so that
    /// controllers can be enabled here: below the root a cgroup has either processes or children with controllers.
    ///
    /// A process that forks meanwhile leaves a child behind, so the list is read until it is empty. The processes that
    /// were moved, in the order they were found.
    /// - Throws: when a process outside the reader's pid namespace is inside (it has no number here), or when new ones
    ///   appear faster than they can be moved.
    public borrowing func evacuate(toLeaf name: String) throws(KernelError) -> [Int32] {
        let leaf = try openOrCreateChild(name)
        var moved: [Int32] = []
        for _ in 0..<64 {
            let inside = try required(.processes)
            if inside.isEmpty { return moved }
            guard !inside.contains(0) else {
                throw KernelError(
                    "write", CgroupFile.processes.name, in: leaf.location, errno: .noSuchProcess,
                    hint: "a process in \(location) is outside this pid namespace; only one who sees it can move it")
            }
            for pid in inside {
                do {
                    try leaf.move(pid)
                    if moved.last != pid { moved.append(pid) }
                } catch { if error.errno != .noSuchProcess { throw error } }
            }
        }
        throw KernelError(
            "write", CgroupFile.processes.name, in: location, errno: .resourceBusy,
            hint: "new processes appear faster than they are moved; freeze the cgroup first")
    }
}
