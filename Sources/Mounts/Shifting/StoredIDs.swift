// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel

/// The ids in the value of `system.posix_acl_access` or `system.posix_acl_default`: a version in four bytes, then entries
/// of tag, permissions (two bytes each) and id (four), all little-endian.
enum AccessControlBytes {
    /// Calls the body with each named user's (`ACL_USER`) or group's (`ACL_GROUP`) id and replaces it by the answer. Nil
    /// for what is no such value.
    static func mapped(
        _ bytes: [UInt8], user: (UInt32) -> UInt32, group: (UInt32) -> UInt32
    ) -> [UInt8]? {
        guard bytes.count >= 4, bytes.word(at: 0) == 2, (bytes.count - 4).isMultiple(of: 8) else { return nil }
        var mapped = bytes
        for entry in stride(from: 4, to: bytes.count, by: 8) {
            let tag = UInt16(bytes[entry]) | UInt16(bytes[entry + 1]) << 8
            let id = bytes.word(at: entry + 4)
            switch tag {
            case 0x02: mapped.setWord(at: entry + 4, to: user(id))
            case 0x08: mapped.setWord(at: entry + 4, to: group(id))
            default: break
            }
        }
        return mapped
    }
}

/// The root id in the value of `security.capability`: the user id that is root of the namespace where the capabilities
/// count. Revision 2 has none, which means the initial namespace's root.
///
/// Everything else stays as it is, byte for byte: flags of tomorrow too.
enum FileCapabilityBytes {
    /// The root id; nil for what is no value of the second or third revision.
    static func rootID(_ bytes: [UInt8]) -> UInt32? {
        guard let words = FileCapabilityWords(bytes), words.revision > 1 else { return nil }
        return words.rootID ?? 0
    }

    /// The same capabilities for another root. The kernel shows revision 2 for root id 0, so that is what it is given.
    static func mapped(_ bytes: [UInt8], root: UInt32) -> [UInt8] {
        guard var words = FileCapabilityWords(bytes) else { return bytes }
        words.setRoot(root == 0 ? nil : root)
        return words.bytes
    }
}

extension [UInt8] {
    func word(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << (8 * UInt32($1)) }
    }

    mutating func setWord(at offset: Int, to word: UInt32) {
        for byte in 0..<4 { self[offset + byte] = UInt8(truncatingIfNeeded: word >> (8 * UInt32(byte))) }
    }
}
