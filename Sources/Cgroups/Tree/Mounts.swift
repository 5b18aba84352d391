// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// A mount of the version 2 hierarchy.
struct CgroupMount: Hashable, Sendable {
    /// Where it is mounted.
    let point: String
    /// The cgroup that is seen there, `/` but for bind mounts of a part of the tree.
    let root: String

    /// Those in the text of `/proc/self/mountinfo`, the mounts of the whole tree first.
    static func all(in mountinfo: String) -> [CgroupMount] {
        let mounts = MountLine.parse(mountinfo).filter { $0.type == "cgroup2" }.map {
            CgroupMount(point: $0.point, root: $0.root)
        }
        return mounts.filter { $0.root == "/" } + mounts.filter { $0.root != "/" }
    }

    /// The one to use.
    static func current() throws(KernelError) -> CgroupMount {
        guard let mount = all(in: try readKernelFile("/proc/self/mountinfo")).first else {
            throw KernelError(
                "read", "/proc/self/mountinfo", errno: .noSuchFileOrDirectory, hint: CgroupHost.probe().absence)
        }
        return mount
    }
}

extension Cgroup {
    /// The root of the version 2 hierarchy, as far as it is mounted for this process.
    public static func root() throws(KernelError) -> Cgroup {
        // On most hosts this is all there is to find out: two calls.
        if let usual = try? Cgroup.open("/sys/fs/cgroup") { return usual }
        return try Cgroup.open(FilePath(try CgroupMount.current().point))
    }
}
