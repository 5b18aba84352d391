// SPDX-License-Identifier: Apache-2.0

package import LinuxKernel
package import NodeModel
internal import SystemPackage

/// The right to change a tree of cgroups, held by one at a time.
///
/// It is a write lock of the open file description (`F_OFD_SETLK`) on the `cgroup.subtree_control` of the tree's root and
/// of every cgroup above that this caller may change: what is written down there is shared with other trees. Only who may
/// manage a cgroup can open that file for writing, so nobody else can block it (a `flock` on the directory could be held
/// by every reader). All take them from the top down. The kernel ends it with the holder, however that ends.
package struct TreeLock: ~Copyable {
    /// The topmost cgroup that this caller may change.
    let top: CgroupPath
    private let files: DescriptorList

    private init(_ top: CgroupPath, _ files: consuming DescriptorList) {
        self.top = top
        self.files = files
    }

    deinit { files.unlock(from: 0, length: 1) }

    /// Waits until nobody else changes the tree whose root is, or will be, at a place.
    package static func take(
        _ root: CgroupPath, beneath mount: borrowing Cgroup, timeout: Duration
    ) throws(KernelError) -> TreeLock {
        let deadline = Deadline(after: timeout)
        while true {
            if let lock = try attempt(root, mount, deadline, timeout) { return lock }
        }
    }

    /// Nil when a cgroup on the way was removed while it was waited for: one made anew has another lock.
    private static func attempt(
        _ root: CgroupPath, _ mount: borrowing Cgroup, _ deadline: Deadline, _ timeout: Duration
    ) throws(KernelError) -> TreeLock? {
        var top: CgroupPath?
        var files = DescriptorList()
        var path = CgroupPath.root
        var depth = 0
        var denied: KernelError?
        while true {
            let cgroup: Cgroup
            do { cgroup = try mount.open(path) } catch {
                guard error.errno == .noSuchFileOrDirectory, let top else { throw denied ?? error }
                return TreeLock(top, files)
            }
            var isHeld = false
            do {
                let file = try cgroup.directory.open(CgroupFile.subtreeControl.name, .writing)
                try wait(for: file, of: cgroup, deadline, timeout)
                _ = files.append(file)
                isHeld = true
            } catch {
                if cgroup.isGone() { return nil }
                let isDenied = [.permissionDenied, .notPermitted].contains(error.errno)
                // Who has been given a part of the hierarchy cannot lock what is above it.
                let placed = error.placed(in: cgroup.location).hinting(
                    isDenied ? "only who manages the tree may change it" : error.hint)
                if !isDenied || top != nil || depth == root.components.count { throw placed }
                denied = placed
            }
            if isHeld {
                top = top ?? path
                let now: UInt64
                do { now = try mount.open(path).directory.status().inode } catch {
                    if error.errno == .noSuchFileOrDirectory { return nil }
                    throw error
                }
                if cgroup.isGone() { return nil }
                if try cgroup.directory.status().inode != now { return nil }
            }
            guard depth < root.components.count, let next = try? path.appending(root.components[depth]) else { break }
            path = next
            depth += 1
        }
        return TreeLock(top ?? root, files)
    }

    private static func wait(
        for file: borrowing Descriptor, of cgroup: borrowing Cgroup, _ deadline: Deadline, _ timeout: Duration
    ) throws(KernelError) {
        var pause: Int32 = 1
        while try !file.lock(from: 0, length: 1) {
            if deadline.passed {
                throw KernelError(
                    "fcntl F_OFD_SETLK", CgroupFile.subtreeControl.name, in: cgroup.location,
                    errno: .resourceTemporarilyUnavailable,
                    hint: "another process is changing this tree, and did not end in \(timeout)")
            }
            // Not the form that waits in the kernel: no signal would end that, and no deadline.
            _ = try poll([-1], timeoutMilliseconds: pause)
            pause = min(pause * 2, 16)
        }
    }
}
