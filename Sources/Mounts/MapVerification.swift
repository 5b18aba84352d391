// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// How far it is known that a mount has the ID map it was asked to have. A map that is known to be another is an error.
public enum MapVerification: Hashable, Sendable {
    /// No map was asked for.
    case unmapped
    /// The kernel's own map was read and is the one asked for (`statmount`, since Linux 6.15).
    case readBack
    /// The kernel does not tell; an owner seen through the mount is the one that the map makes of the one on disk.
    case probed
    /// Nothing could be compared.
    case notVerified(Gap)

    /// Why nothing could be compared.
    public enum Gap: String, Hashable, Sendable {
        /// The kernel does not tell, and the owner of what was mounted is not in the map.
        case ownerOutsideMap = "the kernel does not tell, and the owner of what is mounted is not in the map"
        /// The mount is not attached yet.
        case notAttached = "the kernel tells of attached mounts only"
        /// The source has a map of its own, so its owners are not those on disk.
        case notComparable = "the source was ID-mapped itself, and the kernel has not told yet"
        /// The kernel tells of attached mounts only, and a new place by the same path could not be opened.
        case notReached = "the attached mount could not be looked at"
    }
}

extension MapVerification: CustomStringConvertible {
    /// In words.
    public var description: String {
        switch self {
        case .unmapped: "no map"
        case .readBack: "read back from the kernel"
        case .probed: "an owner seen through the mount is as the map says"
        case .notVerified(let gap): "not verified: \(gap.rawValue)"
        }
    }
}

extension MapVerification {
    /// Compares an owner on disk with how it is seen through the mount.
    static func probing(
        _ map: IDMap, plain: FileStatus?, mapped: FileStatus, source: String
    ) throws(KernelError) -> MapVerification {
        guard let plain, plain.inode == mapped.inode, plain.device == mapped.device else {
            return .notVerified(.notComparable)
        }
        guard let uid = map.outside(uid: plain.uid), let gid = map.outside(gid: plain.gid) else {
            return .notVerified(.ownerOutsideMap)
        }
        if mapped.uid == uid, mapped.gid == gid { return .probed }
        // Ids that the caller's own user namespace lacks are seen as nobody's; and a source that is mapped itself shows
        // owners that are not those on disk.
        let home = MountLine.all().last { $0.id == plain.mountID }
        if mapped.uid == overflowID || mapped.gid == overflowID || home?.options.contains("idmapped") ?? true {
            return .notVerified(.notComparable)
        }
        throw KernelError(
            "mount_setattr MOUNT_ATTR_IDMAP", source, value: "\(map)", errno: .ioError,
            hint: "the kernel took the map, but owner \(plain.uid):\(plain.gid) reads as \(mapped.uid):\(mapped.gid)")
    }

    private static var overflowID: UInt32 { 65534 }
}

/// What was asked of a mount's ID map.
enum MapRequest: Sendable {
    case unchanged
    case cleared
    case map(IDMap, MapVerification)

    var isUnchanged: Bool { if case .unchanged = self { true } else { false } }

    var verification: MapVerification {
        if case .map(_, let verification) = self { verification } else { .unmapped }
    }

    /// Compares with what the kernel holds of the attached mount.
    func verified(onMount id: UInt64?, source: String) throws(KernelError) -> MapVerification {
        guard case .map(let map, let evidence) = self else { return .unmapped }
        guard MountCall.tellsIDMaps else { return evidence }
        guard let id else { return .notVerified(.notReached) }
        if MountCall.holds(uidMap: Self.lines(map.uid), gidMap: Self.lines(map.gid), mount: id) { return .readBack }
        guard let status = MountCall.status(ofMount: id) else { return .notVerified(.notReached) }
        let held = try? IDMap(
            kernelUID: (status.uidMap ?? []).joined(separator: "\n"),
            gid: (status.gidMap ?? []).joined(separator: "\n"))
        // Ids that the caller's user namespace lacks are not told as they are.
        if held == map { return .readBack }
        if held == nil, !(status.uidMap ?? []).isEmpty { return evidence }
        throw KernelError(
            "statmount STATMOUNT_MNT_UIDMAP", source, value: "\(map)", errno: .ioError,
            hint: "the mount was asked to have this map, and has \(held.map { "\($0)" } ?? "none")")
    }

    /// As the kernel writes a map.
    private static func lines(_ extents: [IDMap.Extent]) -> [UInt8] {
        extents.reduce(into: []) { $0 += Array("\($1.inside) \($1.outside) \($1.count)\0".utf8) }
    }
}
