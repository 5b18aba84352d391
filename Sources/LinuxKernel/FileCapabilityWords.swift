// SPDX-License-Identifier: Apache-2.0

/// The value of `security.capability` as the words it is made of, little-endian: flags with the revision in the highest
/// byte, then permitted and inheritable, low halves before high ones, then the root id.
///
/// Only the size of its revision is a value. What no revision has a name for stays as it is.
package struct FileCapabilityWords: Hashable, Sendable {
    private var words: [UInt32]

    /// How many bytes a value of a revision has; nil for a revision that the kernel does not know.
    package static func size(ofRevision revision: UInt32) -> Int? {
        switch revision {
        case 1: 12
        case 2: 20
        case 3: 24
        default: nil
        }
    }

    /// The revision that the bytes say they are of; nil for less than a word.
    package static func revision(of bytes: [UInt8]) -> UInt32? { bytes.count < 4 ? nil : UInt32(bytes[3]) }

    /// Reads a value; nil for what is none.
    package init?(_ bytes: [UInt8]) {
        guard let revision = Self.revision(of: bytes), bytes.count == Self.size(ofRevision: revision) else {
            return nil
        }
        words = stride(from: 0, to: bytes.count, by: 4).map { start in
            (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
        }
    }

    /// A value of the second revision, or with a root id of the third.
    package init(flags: UInt32, permitted: UInt64, inheritable: UInt64, rootID: UInt32?) {
        words = [
            flags, UInt32(truncatingIfNeeded: permitted), UInt32(truncatingIfNeeded: inheritable),
            UInt32(permitted >> 32), UInt32(inheritable >> 32),
        ]
        setRoot(rootID)
    }

    /// The value.
    package var bytes: [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    }

    /// 1 to 3. C name: `VFS_CAP_REVISION_MASK`.
    package var revision: UInt32 { words[0] >> 24 }
    /// All of the first word but the revision.
    package var flags: UInt32 { words[0] & 0x00ff_ffff }
    /// The permitted capabilities, a bit for each.
    package var permitted: UInt64 { UInt64(words[1]) | (revision > 1 ? UInt64(words[3]) << 32 : 0) }
    /// The inheritable ones.
    package var inheritable: UInt64 { UInt64(words[2]) | (revision > 1 ? UInt64(words[4]) << 32 : 0) }
    /// The user id that is root where this counts; nil where that is the initial namespace's root.
    package var rootID: UInt32? { revision == 3 ? words[5] : nil }

    /// Makes it count under another root: the third revision, or the second for nil. The first has no room for it.
    package mutating func setRoot(_ root: UInt32?) {
        guard words.count >= 5 else { return }
        words = words.prefix(5) + (root.map { [$0] } ?? [])
        words[0] = (root == nil ? 2 : 3) << 24 | flags
    }
}
