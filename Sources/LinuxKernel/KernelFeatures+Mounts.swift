// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

extension KernelFeatures {
    static let mountTrials: [Trial] = [
        Trial("open_tree", since: KernelVersion(5, 2)) { trial, bench in
            bench.judge(
                closing(ofRoot { unsafe bk_probe_clone_tree("/", $0) }), of: trial, call: "open_tree OPEN_TREE_CLONE",
                needsAdmin: true)
        },
        Trial("fsopen", since: KernelVersion(5, 2)) { trial, bench in
            bench.judge(bench.tmpfs, of: trial)
        },
        Trial("mount_setattr", since: KernelVersion(5, 12)) { trial, bench in
            // Changing a mount of our own is the proof; without one, a bad size shows the call to anyone.
            if case .success(let scratch) = bench.tmpfs {
                do throws(KernelError) {
                    try MountCall.setAttributes(of: scratch.descriptor, set: .noExecution, recursive: false)
                    return .works()
                } catch { return bench.judge(-error.errno.rawValue, of: trial, needsAdmin: true) }
            }
            let result = bk_probe_mount_setattr()
            guard result == -Errno.invalidArgument.rawValue else { return bench.judge(result, of: trial) }
            return .refused(bench.rights.adminRefusal("mount_setattr"))
        },
        Trial("idmapped_mounts", since: KernelVersion(5, 12), idmappedMounts),
        Trial("idmapped_tmpfs", since: KernelVersion(6, 3)) { trial, bench in
            switch bench.mappedTmpfs {
            case .success: .works()
            case .failure where bench.mappingRefusal != nil: .refused(bench.mappingRefusal ?? "")
            case .failure(let error) where error.errno == .invalidArgument:
                .missing("tmpfs takes no ID map in this kernel (since Linux \(trial.since.release))")
            case .failure(let error): bench.judge(error, of: trial)
            }
        },
        Trial("open_tree_attr", since: KernelVersion(6, 15)) { trial, bench in
            bench.judge(closing(ofRoot { unsafe bk_probe_clone_tree_read_only("/", $0) }), of: trial, needsAdmin: true)
        },
        Trial("move_mount_beneath", since: KernelVersion(6, 5)) { trial, bench in
            let result = bk_probe_move_mount_beneath()
            if result == -Errno.notPermitted.rawValue {
                return .unknown(bench.rights.adminRefusal("move_mount MOVE_MOUNT_BENEATH"))
            }
            return bench.judge(result, of: trial, call: "move_mount MOVE_MOUNT_BENEATH", known: [.badFileDescriptor])
        },
        Trial("statmount", since: KernelVersion(6, 8)) { trial, bench in
            // ENOENT, EPERM: the root of a chroot is a mount the kernel does not show, by a call that it has.
            let result = statmountMasks()
            if result == -Int64(Errno.notPermitted.rawValue), !bench.rights.hasSeccompFilter { return .works() }
            return bench.judge(
                CInt(truncatingIfNeeded: min(0, result)), of: trial, known: [.noSuchFileOrDirectory])
        },
        Trial("listmount", since: KernelVersion(6, 8)) { trial, bench in
            let result = bk_probe_listmount()
            if result == -Errno.notPermitted.rawValue, !bench.rights.hasSeccompFilter { return .works() }
            return bench.judge(result, of: trial, known: [.noSuchFileOrDirectory])
        },
        Trial("statmount_idmap", since: KernelVersion(6, 15)) { trial, bench in
            let masks = statmountMasks()
            let idMaps: Int64 = 0x6000  // STATMOUNT_MNT_UIDMAP | STATMOUNT_MNT_GIDMAP
            if masks >= 0, masks & idMaps == idMaps { return .works() }
            if masks < 0 { return bench.judge(CInt(truncatingIfNeeded: masks), of: trial, call: "statmount") }
            return .missing("statmount does not tell the ID maps of a mount (since Linux \(trial.since.release))")
        },
        Trial("overlay", since: KernelVersion(3, 18)) { trial, bench in
            // The trial loads the module, as the first overlay mount would.
            let context = unsafe bk_fsopen("overlay", 1)
            if context >= 0 { return bench.judge(closing(context), of: trial) }
            let listed = (probedText("/proc/filesystems") ?? "").contains("\toverlay\n")
            switch Errno(rawValue: -context) {
            case Errno(rawValue: 19):  // ENODEV
                return .missing(
                    "the kernel has no overlay file system, and no module for it is found; try: modprobe overlay")
            case .notPermitted where listed: return .refused(bench.rights.adminRefusal("fsopen overlay"))
            case .notPermitted: return .unknown(bench.rights.adminRefusal("fsopen overlay"))
            default: return listed ? .works() : bench.judge(context, of: trial, call: "fsopen overlay")
            }
        },
        Trial("overlay_layers_by_descriptor", since: KernelVersion(6, 13)) { trial, bench in
            let number = unsafe bk_fsopen("overlay", 1)
            guard number >= 0 else {
                return bench.judge(number, of: trial, call: "fsopen overlay", needsAdmin: true)
            }
            let context = Descriptor(owning: number)
            do throws(KernelError) {
                let root = try Descriptor.probing("/", .directory)
                let result = unsafe bk_probe_fsconfig_fd(context.number, "lowerdir+", root.number)
                return bench.judge(result, of: trial, call: "fsconfig FSCONFIG_SET_FD lowerdir+", needsAdmin: true)
            } catch { return bench.judge(error, of: trial) }
        },
    ]

    /// Whether any file system takes an ID map: tmpfs does since 6.3 only, so those that are mounted are tried too, each
    /// kind once, on a copy that is nowhere in the tree.
    private static func idmappedMounts(_ trial: Trial, _ bench: ProbeBench) -> Finding {
        guard case .failure(let first) = bench.mappedTmpfs else { return .works() }
        if let reason = bench.mappingRefusal { return .refused(reason) }
        guard first.errno == .invalidArgument, case .success(let tmpfs) = bench.tmpfs else {
            return bench.judge(first, of: trial)
        }
        let idmap = bk_probe_mount_idmap_bad_namespace(tmpfs.descriptor.number)
        guard idmap == -Errno.badFileDescriptor.rawValue else {
            return bench.judge(idmap, of: trial, call: "mount_setattr MOUNT_ATTR_IDMAP", needsAdmin: true)
        }
        var tried: Set<String> = []
        for mount in MountLine.all() where IDMapSupport.since[mount.type] != nil && tried.insert(mount.type).inserted {
            if case .success = IDMapAttempt.of(path: mount.point, bench) { return .works(note: "on \(mount.type)") }
        }
        return .works(note: "the kernel knows them, but no file system mounted here takes an ID map")
    }

    /// A copy of what is at the root: of all of it where mounts of an outer namespace may not be uncovered (EINVAL).
    private static func ofRoot(_ clone: (_ recursive: CInt) -> CInt) -> CInt {
        let result = clone(0)
        guard result == -Errno.invalidArgument.rawValue else { return result }
        return clone(1)
    }

    private static func statmountMasks() -> Int64 {
        guard let root = try? Descriptor.probing("/", .path) else { return 0 }
        var id: UInt64 = 0
        // Without a unique id no mount is meant, which still tells ENOSYS from ENOENT.
        _ = unsafe bk_unique_mount_id(root.number, &id)
        return bk_probe_statmount_masks(id)
    }
}

extension ProbeBench {
    func judge(_ result: Result<KeptDescriptor, KernelError>, of trial: Trial) -> Finding {
        switch result {
        case .success: .works()
        case .failure(let error): judge(error, of: trial)
        }
    }

    func judge(_ error: KernelError, of trial: Trial) -> Finding {
        switch error.errno {
        case .noFunction: .missing(absence(of: error.call, trial))
        case .notPermitted: .refused(rights.adminRefusal(error.call))
        default: .refused(error.description)
        }
    }
}
