// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import SystemPackage

/// The ID maps of the mounts of a namespace, as the kernel holds them (`statmount`, since Linux 6.15).
public struct MountIDMaps: Hashable, Sendable {
    private var maps: [Int: IDMap]
    /// Whether this kernel tells; where not, only ``MountEntry/isIDMapped`` is known.
    public let areTold: Bool

    /// Those of the namespace of the calling thread.
    public static func current() -> MountIDMaps { MountIDMaps(namespace: 0) }

    /// Those of the namespace that a process is in.
    public static func of(pid: Int32) -> MountIDMaps {
        guard let namespace = try? Descriptor.open(FilePath("/proc/\(pid)/ns/mnt"), .reading),
            let id = MountCall.namespaceID(of: namespace)
        else { return MountIDMaps(maps: [:], areTold: false) }
        return MountIDMaps(namespace: id)
    }

    private init(maps: [Int: IDMap], areTold: Bool) {
        self.maps = maps
        self.areTold = areTold
    }

    private init(namespace: UInt64) {
        guard MountCall.tellsIDMaps, let ids = MountCall.mountIDs(inNamespace: namespace) else {
            self.init(maps: [:], areTold: false)
            return
        }
        var maps: [Int: IDMap] = [:]
        for id in ids {
            // A mount may be gone by now.
            guard let status = MountCall.status(ofMount: id, inNamespace: namespace), let uid = status.uidMap,
                let gid = status.gidMap
            else { continue }
            maps[Int(status.oldID)] = try? IDMap(
                kernelUID: uid.joined(separator: "\n"), gid: gid.joined(separator: "\n"))
        }
        self.init(maps: maps, areTold: true)
    }

    /// The map of a mount; nil where it has none, the kernel does not tell, or the caller's user namespace lacks the ids.
    public subscript(entry: MountEntry) -> IDMap? { entry.isIDMapped ? maps[entry.id] : nil }
}
