// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Why a mount took no ID map. The kernel says EINVAL or EPERM to all of it; this is found by asking further.
public struct IDMapRefusal: Hashable, Sendable {
    /// What is at fault.
    public enum Cause: String, Hashable, Sendable, CaseIterable {
        /// The kernel has no `mount_setattr`, or something hides it.
        case noCall
        /// The caller lacks CAP_SYS_ADMIN, or the mount namespace is another's.
        case noPrivilege
        /// Attributes that the kernel does not know, or that exclude each other.
        case attributes
        /// What was given as the map is no user namespace.
        case notAUserNamespace
        /// The map of the initial user namespace maps nothing.
        case initialUserNamespace
        /// The user namespace has no map yet, or only one of the two.
        case incompleteMap
        /// The map is that of the user namespace in which the file system was mounted.
        case namespaceOfFileSystem
        /// The caller lacks CAP_SYS_ADMIN over the user namespace of the map.
        case foreignMap
        /// A mount of this kind of file system takes no map on this kernel.
        case fileSystem
        /// An overlay's layers take maps, what they merge to does not.
        case mergedOverlay
        /// The server of a FUSE file system has not allowed it.
        case fuseServer
        /// The mount has a map, and this kernel cannot exchange it.
        case alreadyMapped
        /// A file is open for writing through this very mount.
        case writer
        /// The caller lacks CAP_SYS_ADMIN over the user namespace that the file system belongs to.
        case foreignFileSystem
        /// This kernel refuses ID maps altogether.
        case switchedOff
        /// None of these.
        case unknown
    }

    /// What is at fault.
    public var cause: Cause
    /// The mount at fault: of a recursive clone, it may be one beneath the place that was asked for.
    public var path: String
    /// Its kind of file system, as in the mount table.
    public var fileSystem: String
    /// The cause in words.
    public var reason: String
}

extension IDMapRefusal: CustomStringConvertible {
    /// The mount, its file system and the cause.
    public var description: String { "\(path) (\(fileSystem)): \(reason)" }
}

/// What was tried in vain: a clone of a place, to be mapped by a user namespace.
package struct IDMapAttemptDescription: ~Copyable {
    package let error: KernelError
    /// The path as the caller named it.
    package let source: String
    package let recursive: Bool
    package let change: MountChange

    package init(error: KernelError, source: String, recursive: Bool, change: MountChange) {
        self.error = error
        self.source = source
        self.recursive = recursive
        self.change = change
    }

    /// Asks for the cause: from what is the same for every mount to what is this one's.
    package func refusal(of place: borrowing Descriptor, by namespace: borrowing Descriptor) -> IDMapRefusal {
        let bench = ProbeBench()
        let path = readLink("/proc/self/fd/\(place.number)") ?? source
        let mountID = (try? place.status())?.mountID
        let lines = MountLine.all()
        let mount = mountID.flatMap { id in lines.last { $0.id == id } }
        let type = mount?.type ?? (try? place.fileSystem())?.description ?? "unknown"
        func because(_ cause: IDMapRefusal.Cause, _ reason: String) -> IDMapRefusal {
            IDMapRefusal(cause: cause, path: source, fileSystem: type, reason: reason)
        }

        if error.errno == .noFunction {
            return because(.noCall, "mount_setattr came with Linux 5.12, or a seccomp filter hides it")
        }
        if !bench.rights.has(CallerRights.sysAdmin) || bench.rights.ownsMountNamespace == false {
            return because(.noPrivilege, bench.rights.adminRefusal(error.call))
        }
        if error.errno == .resourceBusy {
            return because(.writer, "a file is open for writing through this mount; map a new clone of it")
        }
        if let (cause, reason) = faultOfNamespace(namespace, bench) { return because(cause, reason) }
        if let reason = faultOfAttributes(bench) { return because(.attributes, reason) }

        // What is left is a mount's: the first that refuses by itself.
        let beneath = recursive ? mountID.map { MountLine.beneath(path, onMount: $0) } ?? [] : []
        for line in [mount].compactMap({ $0 }) + beneath {
            let isTop = line.id == mountID
            let refused = isTop ? attempt(place, namespace) : attempt(line, namespace)
            guard let refused else { continue }
            let (cause, reason) = fault(of: line, refused, bench)
            return IDMapRefusal(
                cause: cause, path: isTop ? source : line.point, fileSystem: line.type, reason: reason)
        }
        return because(.unknown, "\(type) answers \(error.errno); by itself each of its mounts takes the map")
    }

    private func faultOfNamespace(
        _ namespace: borrowing Descriptor, _ bench: ProbeBench
    ) -> (IDMapRefusal.Cause, String)? {
        let name = readLink("/proc/self/fd/\(namespace.number)") ?? ""
        if !name.isEmpty, !name.hasPrefix("user:[") {
            return (.notAUserNamespace, "the map is to come from a user namespace, and \(name) is none")
        }
        // PROC_USER_INIT_INO.
        if name == "user:[4026531837]" {
            return (.initialUserNamespace, "the initial user namespace is no map; leave the mount without one")
        }
        // A fresh tmpfs of the caller's own takes any map that is in order (since Linux 6.3).
        guard case .success = bench.mappedTmpfs, let scratch = try? MountCall.newFileSystem("tmpfs") else {
            return nil
        }
        do throws(KernelError) {
            try MountCall.setIDMap(of: scratch, to: namespace, recursive: false)
            return nil
        } catch {
            if error.errno == .notPermitted {
                return (.foreignMap, "the caller lacks CAP_SYS_ADMIN over the user namespace of the map (\(name))")
            }
            if name == readLink("/proc/self/ns/user") {
                return (
                    .namespaceOfFileSystem,
                    "the map is that of the caller's own user namespace, to which the file system belongs too"
                )
            }
            return (
                .incompleteMap,
                "the user namespace of the map (\(name)) lacks its uid_map or its gid_map; a mount takes both or none"
            )
        }
    }

    /// The attributes alone, on a file system of the caller's own.
    private func faultOfAttributes(_ bench: ProbeBench) -> String? {
        guard error.errno == .invalidArgument, let scratch = try? MountCall.newFileSystem("tmpfs") else { return nil }
        do throws(KernelError) {
            try MountCall.setAttributes(of: scratch, change, recursive: false)
            return nil
        } catch {
            return error.errno == .invalidArgument
                ? "the kernel does not know all of these attributes, or they exclude each other: \(change)" : nil
        }
    }

    /// Maps a clone of one mount alone; nil when it takes the map, or is none that a clone would show.
    private func attempt(_ line: MountLine, _ namespace: borrowing Descriptor) -> KernelError? {
        guard let place = try? Descriptor.probing(line.point, .path), let status = try? place.status(),
            status.mountID == line.id
        else { return nil }
        return attempt(place, namespace)
    }

    private func attempt(_ place: borrowing Descriptor, _ namespace: borrowing Descriptor) -> KernelError? {
        do throws(KernelError) {
            let copy = try MountCall.clone("", in: place, recursive: false)
            try MountCall.setIDMap(of: copy, to: namespace, recursive: false)
            return nil
        } catch {
            // What cannot be cloned by itself, because it covers other mounts, is no answer.
            return error.call.hasPrefix("mount_setattr") ? error : nil
        }
    }

    private func fault(
        of line: MountLine, _ error: KernelError, _ bench: ProbeBench
    ) -> (IDMapRefusal.Cause, String) {
        let reason = IDMapSupport.explain(error, fileSystem: line.type, mount: line, bench)
        switch error.errno {
        case .invalidArgument where line.type == "overlay": return (.mergedOverlay, reason)
        case .invalidArgument where line.type.hasPrefix("fuse") || line.type == "virtiofs":
            return (.fuseServer, reason)
        case .invalidArgument: return (.fileSystem, reason)
        case .notPermitted where line.options.contains("idmapped"): return (.alreadyMapped, reason)
        case .notPermitted:
            if case .success = bench.mappedTmpfs { return (.foreignFileSystem, reason) }
            return (.switchedOff, reason)
        default: return (.unknown, error.description)
        }
    }
}
