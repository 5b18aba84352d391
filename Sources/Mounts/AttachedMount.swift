// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// What became of a mount that was attached.
public struct AttachedMount: Hashable, Sendable {
    /// The mount's id, which is never used again (`STATX_MNT_ID_UNIQUE`, since Linux 6.8); nil on older kernels.
    public var id: UInt64?
    /// How far its ID map is verified.
    public var idMap: MapVerification
    /// Where it is among what was there before.
    public var placement: Placement

    /// Where a mount is among what was there before.
    public enum Placement: String, Hashable, Sendable {
        /// On top: what was there before, mount or directory, is covered and comes back when this is unmounted.
        case onTop
        /// In the place of the mount that was there, which is gone. At no moment was neither of the two there.
        case replaced
    }

    /// What to do where a mount cannot be replaced: before Linux 6.5 the kernel cannot mount beneath.
    public enum ReplaceFallback: String, Hashable, Sendable {
        /// It is an error.
        case refuse
        /// The new mount covers the old one: it is seen at once, without a gap; the old one stays beneath.
        case cover
    }
}

extension DetachedMount {
    /// Attaches the mount at a path beneath a directory: no link leads the look-up out of it (`openat2`, `move_mount`).
    @discardableResult
    public consuming func attach(
        at path: String, in directory: borrowing Descriptor
    ) throws(KernelError) -> AttachedMount {
        try attach(at: try directory.open(path, .path, resolve: [.inRoot, .noMagicLinks]))
    }

    /// Attaches the mount at the place that a descriptor is open on, whatever its path leads to by now (`move_mount`).
    @discardableResult
    public consuming func attach(at place: borrowing Descriptor) throws(KernelError) -> AttachedMount {
        try placed(at: place, beneath: false)
        return try verified(.onTop)
    }

    /// Takes the place of the mount at a path beneath a directory, as ``replace(at:otherwise:)``.
    @discardableResult
    public consuming func replace(
        at path: String, in directory: borrowing Descriptor, otherwise fallback: AttachedMount.ReplaceFallback = .refuse
    ) throws(KernelError) -> AttachedMount {
        try replace(at: try directory.open(path, .path, resolve: [.inRoot, .noMagicLinks]), otherwise: fallback)
    }

    /// Takes the place of the mount whose root a descriptor is open on: this one is attached beneath it, and then the
    /// upper one is taken away, so that whoever opens the path meets one of the two (`move_mount` `MOVE_MOUNT_BENEATH`,
    /// since Linux 6.5).
    ///
    /// What was mounted on the old mount goes with it. Who has it open keeps it until closed.
    @discardableResult
    public consuming func replace(
        at place: borrowing Descriptor, otherwise fallback: AttachedMount.ReplaceFallback = .refuse
    ) throws(KernelError) -> AttachedMount {
        do {
            try placed(at: place, beneath: true)
        } catch {
            guard fallback == .cover, error.errno == .invalidArgument, try isMountRoot(place) else { throw error }
            try placed(at: place, beneath: false)
            return try verified(.onTop)
        }
        // A wrong map is found while the old mount still covers this one.
        let attached = try verified(.replaced, coveredBy: place.name)
        do { try MountCall.detach(place) } catch {
            throw error.hinting("the new mount of \(source) lies beneath this one, which could not be taken away")
        }
        return attached
    }

    private func placed(at place: borrowing Descriptor, beneath: Bool) throws(KernelError) {
        do { try MountCall.attach(tree, at: place, beneath: beneath) } catch {
            var error = error
            error.subject = source
            throw error.hinting(hint(error.errno, at: place, beneath: beneath))
        }
    }

    private func hint(_ errno: Errno, at place: borrowing Descriptor, beneath: Bool) -> String? {
        let isDirectory = try? place.status().isDirectory
        switch errno {
        case .notPermitted: return "attaching a mount takes CAP_SYS_ADMIN in the user namespace of the mount namespace"
        case .noFunction: return "move_mount came with Linux 5.2, or a seccomp filter hides it"
        case .invalidArgument where (try? isMountRoot(place)) == false && beneath:
            return "nothing is mounted exactly there, so there is nothing to replace"
        case .invalidArgument, .notDirectory:
            if let isDirectory, let source = try? tree.status().isDirectory, source != isDirectory {
                return isDirectory
                    ? "a file cannot be mounted on a directory" : "a directory cannot be mounted on a file"
            }
            return beneath
                ? "mounting beneath came with Linux 6.5; it is refused on the root, on a mount of an outer user namespace, and "
                    + "where it would spread to the same place"
                : "the place is in another mount namespace, or was removed"
        case .tooManySymbolicLinkLevels: return "a mount cannot be attached beneath itself"
        default: return nil
        }
    }

    /// Whether something is mounted exactly there: the kernel's table has the mount, with the place as its root.
    private func isMountRoot(_ place: borrowing Descriptor) throws(KernelError) -> Bool {
        guard let id = try place.status().mountID, let line = MountLine.all().last(where: { $0.id == id }) else {
            return false
        }
        return line.point == place.name
    }

    /// Reads the map back. Where it is another, the mount is taken away again; one that another still covers stays, for
    /// taking it away would take that one, too.
    private func verified(
        _ placement: AttachedMount.Placement, coveredBy place: String? = nil
    ) throws(KernelError) -> AttachedMount {
        let id = MountCall.uniqueID(of: tree)
        do {
            return AttachedMount(
                id: id, idMap: try idMap.verified(onMount: id, source: source), placement: placement)
        } catch {
            guard let place else {
                try? MountCall.detach(tree)
                throw error
            }
            throw error.hinting((error.hint ?? "") + "; it lies beneath the mount at \(place), which is as before")
        }
    }
}
