// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
public import SystemPackage

/// What can be done with the file system at a path, found by trying on a copy that is nowhere in the tree.
public struct PathSupport: Hashable, Sendable {
    /// The path, as asked.
    public var path: FilePath
    /// The kind of file system as in the mount table (`ext4`, `fuse.sshfs`); nil where the path cannot be opened.
    public var fileSystem: String?
    /// Whether a mount of it takes an ID map.
    public var takesIDMap: Bool
    /// Why not: always there when it does not.
    public var reason: String?
    /// Set when the path itself could not be looked at.
    public var error: KernelError?

    /// Tries a path.
    public static func probe(_ path: FilePath) -> PathSupport { probe(path, ProbeBench()) }

    static func probe(_ path: FilePath, _ bench: ProbeBench) -> PathSupport {
        let place: Descriptor
        do throws(KernelError) {
            place = try Descriptor.probing(path.string, .path)
        } catch {
            return PathSupport(
                path: path, fileSystem: nil, takesIDMap: false, reason: error.errno.description, error: error)
        }
        let kind = try? place.fileSystem()
        let id = (try? place.status())?.mountID
        let mount = id.flatMap { id in MountLine.all().last { $0.id == id } }
        let name = mount?.type ?? kind?.description
        var answer = PathSupport(path: path, fileSystem: name, takesIDMap: true, reason: nil, error: nil)
        if case .failure(let error) = IDMapAttempt.of(path: path.string, bench) {
            answer.takesIDMap = false
            answer.reason = IDMapSupport.explain(error, fileSystem: name ?? "the file system", mount: mount, bench)
        }
        return answer
    }
}

/// An ID map put on a detached mount.
enum IDMapAttempt {
    /// Maps the scratch tmpfs, which takes one map and no second.
    static func ofScratchTmpfs(_ bench: ProbeBench) -> Result<Void, KernelError> {
        Result { () throws(KernelError) in
            try MountCall.setIDMap(
                of: try bench.tmpfs.get().descriptor, to: try bench.userNamespace.get().descriptor,
                recursive: false)
        }
    }

    /// Maps a copy of what is at a path.
    static func of(path: String, _ bench: ProbeBench) -> Result<Void, KernelError> {
        Result { () throws(KernelError) in
            var result = unsafe bk_probe_clone_tree(path, 0)
            // In a mount namespace made for a container, what other mounts cover may not be uncovered.
            if result == -Errno.invalidArgument.rawValue { result = unsafe bk_probe_clone_tree(path, 1) }
            let copy = Descriptor(owning: try valueOrError(result, "open_tree OPEN_TREE_CLONE", path))
            try MountCall.setIDMap(
                of: copy, to: try bench.userNamespace.get().descriptor, recursive: false)
        }
    }
}

/// Which file systems take ID maps, for explaining a refusal. The kernel decides.
enum IDMapSupport {
    /// Since when, by the name in the mount table.
    static let since: [String: KernelVersion] = [
        "ext4": KernelVersion(5, 12), "xfs": KernelVersion(5, 12), "vfat": KernelVersion(5, 12),
        "msdos": KernelVersion(5, 12), "btrfs": KernelVersion(5, 15), "ntfs3": KernelVersion(5, 15),
        "f2fs": KernelVersion(5, 18), "erofs": KernelVersion(5, 19), "squashfs": KernelVersion(6, 2),
        "tmpfs": KernelVersion(6, 3), "ceph": KernelVersion(6, 7), "hugetlbfs": KernelVersion(6, 9),
        "virtiofs": KernelVersion(6, 12),
    ]

    static func explain(
        _ error: KernelError, fileSystem name: String, mount: MountLine?, _ bench: ProbeBench
    ) -> String {
        if let reason = bench.mappingRefusal { return reason }
        switch error.errno {
        case .noFunction:
            return "\(error.call) answers ENOSYS: not in this kernel (since Linux 5.12), or a seccomp filter hides it"
        case .invalidArgument where error.call.hasPrefix("mount_setattr"):
            if name == "fuse" || name.hasPrefix("fuse.") || name == "fuseblk" || name == "virtiofs" {
                return "\(name) takes ID maps since Linux 6.12, and only when its server allows it (FUSE_ALLOW_IDMAP, "
                    + "default_permissions)"
            }
            if name == "overlay" {
                return "a merged overlay takes no ID map; map its layers instead (since Linux 5.19)"
            }
            if let since = since[name] {
                return "\(name) takes no ID map in this kernel (since Linux \(since.release)); shift the ownership "
                    + "instead"
            }
            return "\(name) takes no ID map; shift the ownership instead"
        case .notPermitted:
            guard bench.rights.has(CallerRights.sysAdmin), bench.rights.ownsMountNamespace != false else {
                return bench.rights.adminRefusal(error.call)
            }
            if mount?.options.contains("idmapped") == true {
                return "the mount is ID-mapped already; a second map needs open_tree_attr (since Linux 6.15)"
            }
            if case .success = bench.mappedTmpfs {
                return "the file system belongs to another user namespace, over which CAP_SYS_ADMIN is missing: a "
                    + "container cannot map a file system of its host"
            }
            return bench.rights.refusal(error.call) + "; RHEL 9 kernels switch ID-mapped mounts off (the kernel log "
                + "then says: idmapped mount is not enabled)"
        case .invalidArgument:
            return "\(name) cannot be copied (open_tree: unbindable mount, or a mount of another mount namespace)"
        default: return error.description
        }
    }
}
