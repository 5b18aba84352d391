// SPDX-License-Identifier: Apache-2.0

package import LinuxKernel
package import NodeModel
internal import SystemPackage

/// The right to change one cgroup's protection and limits, for those who do not know whose tree it is in: the
/// `TreeLock` of each level from the top down to it. Whoever manages a tree holds that of the tree's topmost cgroup, which
/// is one of them. Always taken from the top down, so that no two wait for each other.
package struct PathLock: ~Copyable {
    private let held: DescriptorList

    private init(_ held: consuming DescriptorList) { self.held = held }

    /// Waits until nobody else changes a tree that a place, which exists, is in.
    package static func take(
        _ path: CgroupPath, beneath mount: borrowing Cgroup, timeout: Duration
    ) throws(KernelError) -> PathLock {
        let deadline = Deadline(after: timeout)
        var held = DescriptorList()
        var level = CgroupPath.root
        for name in path.components {
            do { level = try level.appending(name) } catch {
                throw KernelError("openat2", name, in: mount.location, errno: .invalidArgument, hint: "\(error)")
            }
            do {
                let lock = try TreeLock.take(level, beneath: mount, timeout: deadline.remaining ?? .zero)
                _ = held.append(lock.intoFile())
            } catch {
                // Above what was delegated to the caller; who manages that level does not change what is below it.
                guard error.errno == .permissionDenied || error.errno == .notPermitted else { throw error }
            }
        }
        return PathLock(held)
    }
}
