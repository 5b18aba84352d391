// SPDX-License-Identifier: Apache-2.0

internal import CTestChild
internal import Foundation
internal import LinuxKernel
internal import NodeModel
internal import TestSupport

/// The rows of `idmap_cases.json`.
struct IDMapCases: Decodable {
    var cases: [Row]

    static let all: [Row] = {
        (try? vectors("idmap_cases.json", as: IDMapCases.self))?.cases ?? []
    }()

    struct Maps: Decodable, Hashable {
        var uid: [[UInt32]]
        var gid: [[UInt32]]
        var attrs: [String]?

        var map: IDMap {
            get throws {
                func extents(_ rows: [[UInt32]]) -> [IDMap.Extent] {
                    rows.map { IDMap.Extent(inside: $0[0], outside: $0[1], count: $0[2]) }
                }
                return try IDMap(uid: extents(uid), gid: extents(gid))
            }
        }
        var attributes: MountAttributes {
            (attrs ?? []).reduce(into: []) {
                switch $1 {
                case "ro": $0.insert(.readOnly)
                case "noexec": $0.insert(.noExecution)
                case "nodev": $0.insert(.noDevices)
                default: break
                }
            }
        }
    }

    struct Actor: Decodable, Hashable {
        var userns: Maps?
        var uid: UInt32
        var gid: UInt32
        var groups: [UInt32]
    }

    struct ACLEntry: Decodable, Hashable {
        var kind: String
        var id: UInt32
        var permissions: UInt16
        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            kind = try fields.decode(String.self)
            id = try fields.decode(UInt32.self)
            permissions = try fields.decode(UInt16.self)
        }
    }

    struct Capabilities: Decodable {
        var rev: UInt32
        var rootid: UInt32?
    }

    struct Disk: Decodable {
        struct Child: Decodable {
            var name: String
            var uid: UInt32
            var gid: UInt32
            var mode: String
        }
        var type: String
        var uid: UInt32
        var gid: UInt32
        var mode: String
        var acl: [ACLEntry]?
        var fscaps: Capabilities?
        var children: [Child]?
    }

    struct Op: Decodable {
        var name: String
        var type: String?
        var mode: String?
        var uid: Int64?
        var gid: Int64?
        var acl: [ACLEntry]?
        var fscaps: Capabilities?
    }

    struct Expect: Decodable {
        var errno: String?
        var ok: Bool?
        var uid: UInt32?
        var gid: UInt32?
        var seen: [UInt32]?
        var disk: [UInt32]?
        var mode: String?
        var sgid: Bool?
        var euid: UInt32?
        var egid: UInt32?
        var acl: [ACLEntry]?
        var diskACL: [ACLEntry]?
        var fscaps: Capabilities?
        var diskCapabilities: Capabilities?
        var capNetRaw: Bool?

        private enum CodingKeys: String, CodingKey {
            case errno, ok, uid, gid, seen, disk, mode, sgid, euid, egid, acl, fscaps
            case diskACL = "disk_acl"
            case diskCapabilities = "disk_fscaps"
            case capNetRaw = "cap_net_raw"
        }
    }

    struct Row: Decodable {
        var id: String
        var group: String
        var mount: Maps?
        var accessor: Actor?
        var disk: Disk?
        var op: Op
        var expect: Expect?

        private enum Key: CodingKey { case id, group, mount, accessor, disk, op, expect }

        // Rows of other groups have other shapes, which are read elsewhere.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            id = try fields.decode(String.self, forKey: .id)
            group = try fields.decode(String.self, forKey: .group)
            disk = try fields.decodeIfPresent(Disk.self, forKey: .disk)
            guard disk != nil else {
                op = Op(name: "")
                return
            }
            mount = try fields.decodeIfPresent(Maps.self, forKey: .mount)
            accessor = try fields.decode(Actor.self, forKey: .accessor)
            op = try fields.decode(Op.self, forKey: .op)
            expect = try fields.decode(Expect.self, forKey: .expect)
        }
    }
}

extension IDMapCases.Op {
    /// What the actor does, and with which second path.
    var act: bt_act? {
        switch (name, type ?? mode) {
        case ("stat", _): BT_STAT
        case ("create", "file"): BT_CREATE_FILE
        case ("create", "dir"): BT_CREATE_DIRECTORY
        case ("create", "symlink"): BT_CREATE_LINK
        case ("create", "fifo"): BT_CREATE_FIFO
        case ("create", "chr"): BT_CREATE_DEVICE
        case ("create", "whiteout"): BT_CREATE_WHITEOUT
        case ("create", "tmpfile"): BT_CREATE_NAMELESS
        case ("chown", _): BT_CHOWN
        case ("chmod", _): BT_CHMOD
        case ("truncate", _): BT_TRUNCATE
        case ("utimes", _): BT_TOUCH
        case ("open", "r"): BT_READ
        case ("open", "w"): BT_WRITE
        case ("open", "rw"): BT_READ_WRITE
        case ("exec", _): BT_EXECUTE
        case ("getacl", _), ("getcap", _): BT_GET_ATTRIBUTE
        case ("setacl", _), ("setcap", _): BT_SET_ATTRIBUTE
        case ("unlink", _): BT_UNLINK
        case ("rename", _): BT_RENAME
        case ("link", _): BT_LINK
        case ("link-cross", _): BT_LINK_ACROSS
        case ("rename-cross", _): BT_RENAME_ACROSS
        default: nil
        }
    }
}

/// The kernel's raw forms of ACLs and file capabilities.
enum RawAttribute {
    static let acl = "system.posix_acl_access"
    static let capabilities = "security.capability"

    /// An ACL with the permissions of a mode for owner, group and others; the mask grants what any entry does.
    static func bytes(_ acl: [IDMapCases.ACLEntry], mode: UInt32) -> [UInt8] {
        let group = UInt16(mode >> 3 & 7)
        let mask = acl.reduce(group) { $0 | $1.permissions }
        var entries: [(tag: UInt16, permissions: UInt16, id: UInt32)] = [(0x01, UInt16(mode >> 6 & 7), .max)]
        entries += acl.filter { $0.kind == "user" }.map { (0x02, $0.permissions, $0.id) }
        entries.append((0x04, group, .max))
        entries += acl.filter { $0.kind == "group" }.map { (0x08, $0.permissions, $0.id) }
        entries += [(0x10, mask, .max), (0x20, UInt16(mode & 7), .max)]
        return little(UInt32(2))
            + entries.flatMap { entry in little(entry.tag) + little(entry.permissions) + little(entry.id) }
    }

    /// The named entries, as `user 1000 6`.
    static func named(_ bytes: [UInt8]) -> [String] {
        stride(from: 4, to: bytes.count - 7, by: 8).compactMap { at in
            let tag = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
            let permissions = UInt16(bytes[at + 2]) | UInt16(bytes[at + 3]) << 8
            guard tag == 0x02 || tag == 0x08 else { return nil }
            return "\(tag == 0x02 ? "user" : "group") \(number(bytes, at + 4)) \(permissions)"
        }
    }

    /// CAP_NET_RAW, permitted and effective, of revision 2 or 3.
    static func bytes(_ capabilities: IDMapCases.Capabilities) -> [UInt8] {
        little(capabilities.rev << 24 | 1) + little(UInt32(1) << 13) + [UInt8](repeating: 0, count: 12)
            + (capabilities.rev == 3 ? little(capabilities.rootid ?? 0) : [])
    }

    static func revision(_ bytes: [UInt8]) -> UInt32 { bytes.count >= 4 ? number(bytes, 0) >> 24 : 0 }

    static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
    }

    private static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> (8 * Value($0))) }
    }
}
