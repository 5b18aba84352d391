// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel

/// All of an inode that names an id, or that the kernel takes away when an owner changes.
struct InodeOwnership: Hashable, Sendable {
    var uid: UInt32
    var gid: UInt32
    /// Type and permissions.
    var mode: UInt32
    /// `security.capability`.
    var capability: [UInt8]?
    /// `system.posix_acl_access`.
    var access: [UInt8]?
    /// `system.posix_acl_default`.
    var inherited: [UInt8]?

    /// The extended attributes that it is made of, and ours.
    static let names = AttributeNames([
        capabilityName, accessName, inheritedName, ShiftRecord.attribute, ShiftMark.attribute,
    ])
    static let capabilityName = "security.capability"
    static let accessName = "system.posix_acl_access"
    static let inheritedName = "system.posix_acl_default"

    init(uid: UInt32, gid: UInt32, mode: UInt32) {
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }

    /// As it is now.
    init(
        _ handle: borrowing InodeHandle, _ status: InodeStatus, _ found: AttributeNames.Found
    ) throws(KernelError) {
        self.init(uid: status.uid, gid: status.gid, mode: status.mode)
        if found.contains(.capability) { capability = try handle.attribute(Self.capabilityName) }
        if found.contains(.access) { access = try handle.attribute(Self.accessName) }
        if found.contains(.inherited) { inherited = try handle.attribute(Self.inheritedName) }
    }

    /// Every id in it, with what kind it is.
    func forEachID(uid user: (UInt32) -> Void, gid group: (UInt32) -> Void) {
        user(uid)
        group(gid)
        if let root = capability.flatMap(FileCapabilityBytes.rootID) { user(root) }
        for list in [access, inherited] {
            guard let list else { continue }
            _ = AccessControlBytes.mapped(
                list,
                user: {
                    user($0)
                    return $0
                },
                group: {
                    group($0)
                    return $0
                })
        }
    }

    /// The same with every id moved.
    func moved(_ rules: ShiftRules, _ direction: ShiftDirection) -> InodeOwnership {
        var moved = self
        moved.uid = rules.uid.moved(uid, direction)
        moved.gid = rules.gid.moved(gid, direction)
        if let capability, let root = FileCapabilityBytes.rootID(capability) {
            let target = rules.uid.moved(root, direction)
            if target != root { moved.capability = FileCapabilityBytes.mapped(capability, root: target) }
        }
        func list(_ bytes: [UInt8]?) -> [UInt8]? {
            bytes.map { bytes in
                AccessControlBytes.mapped(
                    bytes, user: { rules.uid.moved($0, direction) }, group: { rules.gid.moved($0, direction) }) ?? bytes
            }
        }
        moved.access = list(access)
        moved.inherited = list(inherited)
        return moved
    }

    /// Whether what an inode has now would not tell, later, whether it was shifted.
    func isAmbiguous(_ rules: ShiftRules) -> Bool {
        var ambiguous = false
        forEachID(
            uid: { ambiguous = ambiguous || rules.uid.isAmbiguous($0) },
            gid: { ambiguous = ambiguous || rules.gid.isAmbiguous($0) })
        return ambiguous
    }
}

extension AttributeNames.Found {
    static let capability = Self(rawValue: 1)
    static let access = Self(rawValue: 2)
    static let inherited = Self(rawValue: 4)
    static let record = Self(rawValue: 8)
    static let mark = Self(rawValue: 16)
    /// What holds ids.
    static let holdingIDs: Self = [.capability, .access, .inherited]
}
