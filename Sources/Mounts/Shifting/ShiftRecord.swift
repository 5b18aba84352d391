// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

/// What an inode was before the shift, kept on the inode itself in an extended attribute that only the host's root can
/// write: whoever finds an inode half changed knows both what it was and, with the map, what it is to become.
struct ShiftRecord: Hashable, Sendable {
    static let attribute = "trusted.bulkhead.shift-inode"

    /// Whether it stays until the whole tree is done.
    var stays: Bool
    var before: InodeOwnership

    init(_ before: InodeOwnership, stays: Bool) {
        self.before = before
        self.stays = stays
    }

    // Version, whether it stays, uid, gid, mode, and three values: the length in four bytes (all ones for none), then so
    // many bytes.
    var bytes: [UInt8] {
        var bytes: [UInt8] = [1, stays ? 1 : 0]
        func append(_ word: UInt32) { bytes += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
        for word in [before.uid, before.gid, before.mode] { append(word) }
        for value in [before.capability, before.access, before.inherited] {
            append(value.map { UInt32($0.count) } ?? .max)
            bytes += value ?? []
        }
        return bytes
    }

    init?(bytes: [UInt8]) {
        guard bytes.count >= 26, bytes[0] == 1, bytes[1] <= 1 else { return nil }
        stays = bytes[1] == 1
        before = InodeOwnership(uid: bytes.word(at: 2), gid: bytes.word(at: 6), mode: bytes.word(at: 10))
        var offset = 14
        func value() -> [UInt8]?? {
            guard offset + 4 <= bytes.count else { return nil }
            let length = bytes.word(at: offset)
            offset += 4
            if length == .max { return .some(nil) }
            guard offset + Int(length) <= bytes.count else { return nil }
            defer { offset += Int(length) }
            return Array(bytes[offset..<offset + Int(length)])
        }
        guard let capability = value(), let access = value(), let inherited = value(), offset == bytes.count else {
            return nil
        }
        before.capability = capability
        before.access = access
        before.inherited = inherited
    }

    /// The record of an inode; nil when there is none.
    static func read(from handle: borrowing InodeHandle) throws(KernelError) -> ShiftRecord? {
        guard let bytes = try handle.attribute(attribute) else { return nil }
        guard let record = ShiftRecord(bytes: bytes) else {
            throw KernelError(
                "getxattr", attribute, in: handle.descriptor.name, errno: .invalidArgument,
                hint: "not a record of this version")
        }
        return record
    }
}
