// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import NodeModel
public import SystemPackage
public import UserNamespaces

/// A mount that is in no tree yet: it lives as long as this value, and nothing sees it before it is attached.
///
/// Each step consumes the mount and gives it back; when a step throws, the mount is gone and nothing is left.
public struct DetachedMount: ~Copyable, Sendable {
    package let tree: Descriptor
    let source: String
    let recursive: Bool

    /// Clones what is mounted at a path (`open_tree` `OPEN_TREE_CLONE`, since Linux 5.2).
    ///
    /// - Parameters:
    ///   - path: a directory or file; a link is followed.
    ///   - recursive: with what is mounted beneath it. Without, those places show what lies under the mounts.
    public init(cloning path: FilePath, recursive: Bool = false) throws(KernelError) {
        try self.init(cloning: try Descriptor.open(path, .path), named: path.string, recursive: recursive)
    }

    /// Clones what a descriptor is open on.
    package init(cloning place: borrowing Descriptor, named source: String, recursive: Bool) throws(KernelError) {
        self.source = source
        self.recursive = recursive
        tree = try Self.clone(place, recursive: recursive)
    }

    private static func clone(_ place: borrowing Descriptor, recursive: Bool) throws(KernelError) -> Descriptor {
        do { return try MountCall.clone("", in: place, recursive: recursive) } catch {
            throw error.errno == .notPermitted
                ? error.hinting("cloning a mount takes CAP_SYS_ADMIN in the user namespace of the mount namespace")
                : error
        }
    }

    /// Clones a path with an ID map and attributes: one system call since Linux 6.15 (`open_tree_attr`), two before.
    public init(
        cloning path: FilePath, recursive: Bool = false, mappedBy namespace: borrowing UserNamespace,
        attributes: MountAttributes = []
    ) throws(KernelError) {
        let place = try Descriptor.open(path, .path)
        let mapped = try Self.mappedTree(place, path.string, recursive, namespace, attributes)
        try Self.verify(namespace.map, of: mapped, against: place)
        tree = mapped
        source = path.string
        self.recursive = recursive
    }

    private static func mappedTree(
        _ place: borrowing Descriptor, _ source: String, _ recursive: Bool, _ namespace: borrowing UserNamespace,
        _ attributes: MountAttributes
    ) throws(KernelError) -> Descriptor {
        do {
            return try MountCall.cloneWithAttributes(
                "", in: place, recursive: recursive, set: attributes.union(.idmap), userNamespace: namespace.descriptor)
        } catch {
            guard error.errno == .noFunction else {
                throw explained(error, place, source: source, recursive: recursive)
            }
        }
        let plain = try DetachedMount(cloning: place, named: source, recursive: recursive)
        return try plain.idmapped(by: namespace, attributes: attributes).takeTree()
    }

    /// Takes the ID map of a user namespace: an id on disk is the map's inside, and is seen as its outside
    /// (`mount_setattr` `MOUNT_ATTR_IDMAP`, since Linux 5.12; which file systems do is the kernel's to say).
    public consuming func idmapped(
        by namespace: borrowing UserNamespace, attributes: MountAttributes = []
    ) throws(KernelError) -> DetachedMount {
        do {
            try MountCall.setIDMap(of: tree, to: namespace.descriptor, set: attributes, recursive: recursive)
        } catch {
            throw Self.explained(error, tree, source: source, recursive: recursive)
        }
        return self
    }

    /// Sets attributes, and makes the mount private (`mount_setattr`, since Linux 5.12).
    public consuming func setting(_ attributes: MountAttributes) throws(KernelError) -> DetachedMount {
        do {
            try MountCall.setAttributes(of: tree, set: attributes, recursive: recursive)
        } catch {
            throw Self.explained(error, tree, source: source, recursive: recursive)
        }
        return self
    }

    /// Refuses writes through this mount, and through those beneath it when it was cloned recursively.
    public consuming func readOnly() throws(KernelError) -> DetachedMount { try setting(.readOnly) }

    /// Attaches the mount at a path beneath a directory: no link leads the look-up out of it (`openat2`, `move_mount`).
    public consuming func attach(at path: String, in directory: borrowing Descriptor) throws(KernelError) {
        let target = try directory.open(path, .path, resolve: [.inRoot, .noMagicLinks])
        try MountCall.attach(tree, at: target)
    }

    /// What an owner looks like through the mapped mount shows whether the kernel took the map it was given.
    private static func verify(
        _ map: IDMap, of tree: borrowing Descriptor, against place: borrowing Descriptor
    ) throws(KernelError) {
        let plain = try place.status()
        let seen = try tree.status()
        // Through a source that is itself mapped, or an owner the map lacks, the comparison says nothing.
        guard let uid = map.outside(uid: plain.uid), let gid = map.outside(gid: plain.gid) else { return }
        guard seen.uid == uid, seen.gid == gid else {
            throw KernelError(
                "mount_setattr MOUNT_ATTR_IDMAP", place.name, value: "\(map)", errno: .ioError,
                hint: "the kernel took the map, but owner \(plain.uid):\(plain.gid) reads as \(seen.uid):\(seen.gid)")
        }
    }

    /// The likely cause of a refusal, from what can be asked: the file system, the kernel's answer.
    private static func explained(
        _ error: KernelError, _ place: borrowing Descriptor, source: String, recursive: Bool
    ) -> KernelError {
        var error = error
        error.subject = source
        error.place = nil
        let kind = (try? place.fileSystem())?.description ?? "unknown"
        switch error.errno {
        case .noFunction: return error.hinting("mount_setattr came with Linux 5.12, or a seccomp filter hides it")
        case .invalidArgument where error.call.contains("IDMAP") || error.call == "open_tree_attr":
            let beneath = recursive ? ", or one mounted beneath it," : ""
            return error.hinting("its file system\(beneath) takes no ID map on this kernel: \(kind)")
        case .notPermitted:
            return error.hinting(
                "an ID map takes CAP_SYS_ADMIN over the file system (\(kind)); some distributions switch it off")
        default: return error
        }
    }
}

extension DetachedMount {
    /// Gives the tree away, to be attached by a child in its own mount namespace.
    package consuming func takeTree() -> Descriptor { tree }
}
