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
    /// What was asked of the ID map, and what was seen of it.
    var idMap: MapRequest

    init(_ tree: consuming Descriptor, of source: String, recursive: Bool, idMap: MapRequest = .unchanged) {
        self.tree = tree
        self.source = source
        self.recursive = recursive
        self.idMap = idMap
    }

    /// A tree that was made otherwise, such as a new file system.
    package init(_ tree: consuming Descriptor, named source: String) {
        self.init(tree, of: source, recursive: false)
    }

    // MARK: - Cloning

    /// Clones what is mounted at a path (`open_tree` `OPEN_TREE_CLONE`, since Linux 5.2).
    ///
    /// - Parameters:
    ///   - path: a directory or file; a link is followed.
    ///   - recursive: with what is mounted beneath it. Without, those places show what lies under the mounts.
    public init(cloning path: FilePath, recursive: Bool = false) throws(KernelError) {
        do {
            self.init(try MountCall.clone(path, recursive: recursive), of: path.string, recursive: recursive)
        } catch { throw Self.explained(error) }
    }

    /// Clones what a descriptor is open on, whatever its path leads to by now.
    public init(cloning place: borrowing Descriptor, recursive: Bool = false) throws(KernelError) {
        do {
            self.init(try MountCall.clone("", in: place, recursive: recursive), of: place.name, recursive: recursive)
        } catch { throw Self.explained(error) }
    }

    /// Clones a path with an ID map and attributes, as
    /// ``init(cloning:recursive:mappedBy:changing:)``.
    public init(
        cloning path: FilePath, recursive: Bool = false, mappedBy namespace: borrowing UserNamespace,
        attributes: MountAttributes
    ) throws(KernelError) {
        try self.init(
            cloning: path, recursive: recursive, mappedBy: namespace, changing: MountChange(set: attributes))
    }

    /// Clones a path with an ID map and changed attributes: one system call since Linux 6.15 (`open_tree_attr`), which
    /// also replaces a map that the source has; two before.
    ///
    /// All of it, or nothing: when a mount beneath refuses the map, the error names it, its file system and the cause.
    public init(
        cloning path: FilePath, recursive: Bool = false, mappedBy namespace: borrowing UserNamespace,
        changing change: MountChange = MountChange()
    ) throws(KernelError) {
        let tree: Descriptor
        do {
            tree = try MountCall.cloneWithAttributes(
                path, recursive: recursive, changing: change, userNamespace: namespace.descriptor)
        } catch {
            guard error.errno == .noFunction else {
                throw Self.explained(error, path.string, recursive, change, namespace.descriptor)
            }
            self = try DetachedMount(cloning: path, recursive: recursive).idmapped(by: namespace, changing: change)
            return
        }
        // A kernel that has this call tells the map once the mount is attached, where no filter hides that. Looking the
        // path up again would cost as much.
        var evidence = MapVerification.notVerified(.notAttached)
        if !MountCall.tellsIDMaps {
            evidence = try .probing(
                namespace.map, plain: try? FileStatus(at: path), mapped: tree.status(), source: path.string)
        }
        self.init(tree, of: path.string, recursive: recursive, idMap: .map(namespace.map, evidence))
    }

    // MARK: - Changing

    /// Takes the ID map of a user namespace: an id on disk is the map's inside, and is seen as its outside
    /// (`mount_setattr` `MOUNT_ATTR_IDMAP`, since Linux 5.12; which file systems do is the kernel's to say).
    ///
    /// A mount that has a map already takes another since Linux 6.15: the new map replaces the old one, they do not add
    /// up.
    public consuming func idmapped(
        by namespace: borrowing UserNamespace, attributes: MountAttributes
    ) throws(KernelError) -> DetachedMount {
        try idmapped(by: namespace, changing: MountChange(set: attributes))
    }

    /// Takes the ID map of a user namespace, and changes attributes in the same call.
    ///
    /// - Parameters:
    ///   - namespace: whose map.
    ///   - change: what else changes.
    ///   - everywhere: also of the mounts beneath; by default where the clone was recursive.
    public consuming func idmapped(
        by namespace: borrowing UserNamespace, changing change: MountChange = MountChange(),
        everywhere: Bool? = nil
    ) throws(KernelError) -> DetachedMount {
        let plain = idMap.isUnchanged && !MountCall.tellsIDMaps ? try? tree.status() : nil
        do {
            try MountCall.setIDMap(
                of: tree, to: namespace.descriptor, change, recursive: everywhere ?? recursive)
        } catch {
            // Mapped already: a clone of the clone can have another map. Older kernels answer that they cannot.
            if error.errno == .notPermitted, everywhere ?? recursive == recursive,
                let other = try? MountCall.cloneWithAttributes(
                    "", in: tree, recursive: recursive, changing: change, userNamespace: namespace.descriptor)
            {
                return DetachedMount(
                    other, of: source, recursive: recursive, idMap: .map(namespace.map, .notVerified(.notAttached)))
            }
            throw explained(error, everywhere ?? recursive, change, namespace.descriptor)
        }
        var evidence = MapVerification.notVerified(.notAttached)
        if !MountCall.tellsIDMaps {
            evidence = try .probing(namespace.map, plain: plain, mapped: tree.status(), source: source)
        }
        idMap = .map(namespace.map, evidence)
        return self
    }

    /// Has no ID map: shows owners as they are on disk (`open_tree_attr`, since Linux 6.15). A mount that never had one
    /// is given back as it is.
    public consuming func unmapped(changing change: MountChange = MountChange()) throws(KernelError) -> DetachedMount {
        do {
            let plain = try MountCall.cloneWithoutIDMap("", in: tree, recursive: recursive, changing: change)
            return DetachedMount(plain, of: source, recursive: recursive, idMap: .cleared)
        } catch {
            guard error.errno == .noFunction else { throw named(error) }
            throw named(error).hinting("an ID map is cleared by open_tree_attr, which came with Linux 6.15")
        }
    }

    /// Sets and clears attributes and propagation, in one call (`mount_setattr`, since Linux 5.12).
    ///
    /// - Parameters:
    ///   - change: what is set and cleared.
    ///   - everywhere: also of the mounts beneath; by default where the clone was recursive.
    public consuming func changing(
        _ change: MountChange, everywhere: Bool? = nil
    ) throws(KernelError) -> DetachedMount {
        do {
            try MountCall.setAttributes(of: tree, change, recursive: everywhere ?? recursive)
        } catch {
            throw Self.explained(named(error), change)
        }
        return self
    }

    /// Sets attributes, and makes the mount private (`mount_setattr`, since Linux 5.12).
    public consuming func setting(_ attributes: MountAttributes) throws(KernelError) -> DetachedMount {
        try changing(MountChange(set: attributes))
    }

    /// Refuses writes through this mount, and through those beneath it when it was cloned recursively.
    public consuming func readOnly() throws(KernelError) -> DetachedMount { try setting(.readOnly) }

    /// What is known of the ID map before the mount is attached; afterwards ``AttachedMount/idMap`` knows more.
    public var verification: MapVerification { idMap.verification }
}

extension DetachedMount {
    /// Gives the tree away, to be attached by a child in its own mount namespace.
    package consuming func takeTree() -> Descriptor { tree }

    /// The same of a mount whose map nobody will read back: an owner seen through it is compared with the one at the
    /// source.
    package consuming func takeVerifiedTree() throws(KernelError) -> Descriptor {
        if case .map(let map, .notVerified(.notAttached)) = idMap {
            _ = try MapVerification.probing(
                map, plain: try? FileStatus(at: FilePath(source)), mapped: tree.status(), source: source)
        }
        return tree
    }
}

// MARK: - Errors

extension DetachedMount {
    private static func explained(_ error: KernelError) -> KernelError {
        switch error.errno {
        case .notPermitted:
            error.hinting("cloning a mount takes CAP_SYS_ADMIN in the user namespace of the mount namespace")
        case .noFunction: error.hinting("open_tree came with Linux 5.2, or a seccomp filter hides it")
        case .invalidArgument:
            error.hinting("it is unbindable, of another mount namespace, or covers mounts that may not be uncovered")
        default: error
        }
    }

    private static func explained(_ error: KernelError, _ change: MountChange) -> KernelError {
        switch error.errno {
        case .noFunction: error.hinting("mount_setattr came with Linux 5.12, or a seccomp filter hides it")
        case .invalidArgument:
            error.hinting("this kernel does not know all of it, or parts exclude each other: \(change)")
        case .notPermitted:
            error.hinting("an outer user namespace locks the attribute, or CAP_SYS_ADMIN is missing")
        default: error
        }
    }

    /// The error as one of the source: a detached tree has no path.
    func named(_ error: KernelError) -> KernelError {
        var error = error
        error.subject = source
        error.place = nil
        return error
    }

    private func explained(
        _ error: KernelError, _ everywhere: Bool, _ change: MountChange, _ namespace: borrowing Descriptor
    ) -> KernelError {
        Self.explained(named(error), source, everywhere, change, namespace, tree: tree)
    }

    private static func explained(
        _ error: KernelError, _ source: String, _ recursive: Bool, _ change: MountChange,
        _ namespace: borrowing Descriptor
    ) -> KernelError {
        guard let place = try? Descriptor.open(FilePath(source), .path) else { return error }
        return explained(error, source, recursive, change, namespace, tree: place)
    }

    /// Finds the cause. A detached tree is in no table, so the place that it was cloned from is asked where it is still
    /// the same.
    private static func explained(
        _ error: KernelError, _ source: String, _ recursive: Bool, _ change: MountChange,
        _ namespace: borrowing Descriptor, tree: borrowing Descriptor
    ) -> KernelError {
        let attempt = IDMapAttemptDescription(error: error, source: source, recursive: recursive, change: change)
        let refusal: IDMapRefusal
        if let place = try? Descriptor.open(FilePath(source), .path), let here = try? place.status(),
            let there = try? tree.status(), here.inode == there.inode, here.device == there.device
        {
            refusal = attempt.refusal(of: place, by: namespace)
        } else {
            refusal = attempt.refusal(of: tree, by: namespace)
        }
        var error = error
        error.place = nil
        error.subject = refusal.path
        if refusal.path != source { error.place = source }
        return error.hinting("\(refusal.reason) [\(refusal.fileSystem)]")
    }
}
