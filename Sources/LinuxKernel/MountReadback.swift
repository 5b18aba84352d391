// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// What the kernel holds of one mount (`statmount`, since Linux 6.8).
package struct MountStatus: Hashable, Sendable {
    /// The number in `/proc/PID/mountinfo`, which is used again after an unmount.
    package var oldID: UInt32
    /// The attributes.
    package var attributes: MountAttributes
    /// The lines of the id maps, as in `/proc/PID/uid_map`; nil where the kernel does not tell (before 6.15) or the
    /// mount has none.
    package var uidMap: [String]?
    /// Those of the group ids.
    package var gidMap: [String]?
}

extension MountCall {
    /// The id of the mount that the descriptor is on, never used again (`STATX_MNT_ID_UNIQUE`, since Linux 6.8); nil
    /// where the kernel does not tell.
    package static func uniqueID(of mount: borrowing Descriptor) -> UInt64? {
        var id: UInt64 = 0
        return unsafe bk_unique_mount_id(mount.number, &id) == 0 ? id : nil
    }

    // STATMOUNT_MNT_BASIC, STATMOUNT_MNT_UIDMAP, STATMOUNT_MNT_GIDMAP. Bits that the kernel lacks are passed over.
    private static let wanted: UInt64 = 0x2 | 0x2000 | 0x4000

    /// What the kernel holds of a mount, by its unique id; nil where it has no such mount, or does not tell.
    package static func status(ofMount id: UInt64, inNamespace namespace: UInt64 = 0) -> MountStatus? {
        // 340 lines of at most 33 bytes, twice, would not fit into the first.
        for size in [4096, 65536] {
            var buffer = [UInt8](repeating: 0, count: size)
            let result = unsafe buffer.withUnsafeMutableBytes { bytes -> CInt in
                guard let base = bytes.baseAddress else { return -22 }
                return unsafe bk_statmount(id, namespace, wanted, base, bytes.count)
            }
            if result == 0 { return MountStatus(statmount: buffer) }
            if result != -75 { return nil }  // EOVERFLOW: the strings are longer
        }
        return nil
    }

    /// Whether the kernel holds these very id maps of a mount, each the lines of `/proc/PID/uid_map` one after the other,
    /// every one ended by NUL. False says little: a kernel may order lines otherwise.
    ///
    /// The quick way, without a string: it is asked after every mount.
    package static func holds(uidMap: [UInt8], gidMap: [UInt8], mount id: UInt64) -> Bool {
        unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer -> Bool in
            guard let base = buffer.baseAddress, unsafe bk_statmount(id, 0, wanted, base, buffer.count) == 0 else {
                return false
            }
            // mask, mnt_uidmap and mnt_gidmap, as in MountStatus.
            let mask = unsafe buffer.load(fromByteOffset: 8, as: UInt64.self)
            guard mask & 0x6000 == 0x6000 else { return false }
            for (map, count, start) in [(uidMap, 152, 156), (gidMap, 160, 164)] {
                let lines = Int(unsafe buffer.load(fromByteOffset: count, as: UInt32.self))
                let first = 512 + Int(unsafe buffer.load(fromByteOffset: start, as: UInt32.self))
                guard lines == map.reduce(0, { $0 + ($1 == 0 ? 1 : 0) }), first + map.count <= buffer.count,
                    unsafe buffer[first..<first + map.count].elementsEqual(map)
                else { return false }
            }
            return true
        }
    }

    /// Whether this kernel tells the ID map of a mount (`STATMOUNT_MNT_UIDMAP`, since Linux 6.15).
    package static let tellsIDMaps: Bool = {
        guard let root = try? Descriptor.probing("/", .path), let id = uniqueID(of: root) else { return false }
        let masks = bk_probe_statmount_masks(id)
        return masks >= 0 && masks & 0x6000 == 0x6000
    }()

    /// The extents of the id maps of the mount that the descriptor is on, read back from the kernel, or nil where it
    /// does not tell. The mount is attached: `statmount` finds no others.
    package static func idMaps(of mount: borrowing Descriptor) -> (uid: [String], gid: [String])? {
        guard tellsIDMaps, let id = uniqueID(of: mount), let status = status(ofMount: id) else { return nil }
        guard let uid = status.uidMap, let gid = status.gidMap else { return nil }
        return (uid, gid)
    }

    /// The unique ids of all mounts of a mount namespace (`listmount`, since Linux 6.8); nil where the kernel does not
    /// tell. With 0 the caller's namespace, else one by its id (since Linux 6.11).
    package static func mountIDs(inNamespace namespace: UInt64 = 0) -> [UInt64]? {
        var ids: [UInt64] = []
        var page = [UInt64](repeating: 0, count: 512)
        while true {
            let after = ids.last ?? 0
            let count = unsafe page.withUnsafeMutableBufferPointer { buffer -> Int64 in
                guard let base = buffer.baseAddress else { return 0 }
                return unsafe bk_listmount(namespace, after, base, buffer.count)
            }
            guard count >= 0 else { return nil }
            ids += page[..<Int(count)]
            if Int(count) < page.count { return ids }
        }
    }

    /// The id of a mount namespace (`ioctl` `NS_GET_MNTNS_ID`, since Linux 6.11); nil where the kernel does not tell.
    package static func namespaceID(of namespace: borrowing Descriptor) -> UInt64? {
        var id: UInt64 = 0
        return unsafe bk_mount_namespace_id(namespace.number, &id) == 0 ? id : nil
    }
}

extension MountStatus {
    /// Reads `struct statmount`: fixed fields at known offsets, strings behind byte 512.
    init?(statmount buffer: [UInt8]) {
        func number<Value: FixedWidthInteger>(_ offset: Int, _ type: Value.Type) -> Value {
            (0..<MemoryLayout<Value>.size).reduce(0) { $0 | Value(buffer[offset + $1]) << (8 * Value($1)) }
        }
        func strings(count: UInt32, at offset: UInt32) -> [String] {
            var rest = buffer[min(buffer.count, 512 + Int(offset))...]
            return (0..<min(count, 340)).map { _ in
                let text = rest.prefix { $0 != 0 }
                rest = rest.dropFirst(text.count + 1)
                return String(decoding: text, as: UTF8.self)
            }
        }
        guard buffer.count >= 512 else { return nil }
        // mask at 8, mnt_id_old at 56, mnt_attr at 64; mnt_uidmap_num, mnt_uidmap, mnt_gidmap_num, mnt_gidmap at 152,
        // 156, 160, 164.
        let mask = number(8, UInt64.self)
        guard mask & 0x2 != 0 else { return nil }
        oldID = number(56, UInt32.self)
        attributes = MountAttributes(rawValue: number(64, UInt64.self))
        // Of a mount without a map the kernel tells an empty one.
        if mask & 0x6000 == 0x6000, number(152, UInt32.self) > 0 {
            uidMap = strings(count: number(152, UInt32.self), at: number(156, UInt32.self))
            gidMap = strings(count: number(160, UInt32.self), at: number(164, UInt32.self))
        }
    }
}
