// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// The right to change a tree of cgroups, held by one at a time.
///
/// It is a write lock of the open file description (`F_OFD_SETLK`) on the `cgroup.subtree_control` of the tree's topmost
/// cgroup: only who may manage the tree can open that for writing, so nobody else can block it (a `flock` on the
/// directory could be held by every reader). The kernel ends it with the holder, however that ends.
struct TreeLock: ~Copyable {
    private let file: Descriptor

    private init(_ file: consuming Descriptor) { self.file = file }

    /// The lock as the open file that holds it, for those who hold several.
    consuming func intoFile() -> Descriptor { file }

    /// Waits until nobody else changes the tree at a place that exists.
    static func take(
        _ path: CgroupPath, beneath mount: borrowing Cgroup, timeout: Duration
    ) throws(KernelError) -> TreeLock {
        let deadline = Deadline(after: timeout)
        while true {
            let top = try mount.open(path)
            let file: Descriptor
            do { file = try top.directory.open(CgroupFile.subtreeControl.name, .writing) } catch {
                throw top.gone(error.placed(in: top.location)).hinting(
                    error.errno == .permissionDenied ? "only who manages the tree may change it" : nil)
            }
            var pause: Int32 = 1
            while try !file.lock(from: 0, length: 1) {
                if deadline.passed {
                    throw KernelError(
                        "fcntl F_OFD_SETLK", CgroupFile.subtreeControl.name, in: top.location,
                        errno: .resourceTemporarilyUnavailable,
                        hint: "another process is changing this tree, and did not end in \(timeout)")
                }
                // Not the form that waits in the kernel: no signal would end that, and no deadline.
                _ = try poll([-1], timeoutMilliseconds: pause)
                pause = min(pause * 2, 16)
            }
            // Whoever held it before may have removed the cgroup, and another made it anew: that one has another lock.
            let now = try mount.open(path).directory.status().inode
            if !top.isGone(), try top.directory.status().inode == now { return TreeLock(file) }
        }
    }
}
