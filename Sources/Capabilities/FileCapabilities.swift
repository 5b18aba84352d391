// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// The capabilities of a program file: the value of its extended attribute `security.capability`.
///
/// The kernel has three layouts. The first is read and never written; the third carries the user namespace in which it
/// counts. Flags without a name here are kept.
public struct FileCapabilities: Hashable, Sendable {
    /// What the program gets, as far as the bounding set allows.
    public var permitted: CapabilitySet
    /// What the program takes over from the inheritable set.
    public var inheritable: CapabilitySet
    /// Whether all that the program gets is effective from its start: one bit, not a set.
    public var isEffective: Bool
    /// The user id that is root of the user namespace where this counts, as seen by who reads it; nil for the initial
    /// namespace and all below it. C name: `rootid` of `struct vfs_ns_cap_data`. Since Linux 4.14.
    public var rootID: UInt32?
    /// Bits beside the revision and the effective bit, as they were read.
    public var otherFlags: UInt32 = 0

    /// The name of the attribute. C name: `XATTR_NAME_CAPS`.
    public static let attributeName = "security.capability"

    /// Capabilities of a file.
    public init(
        permitted: CapabilitySet, inheritable: CapabilitySet = [], isEffective: Bool = false, rootID: UInt32? = nil
    ) {
        self.permitted = permitted
        self.inheritable = inheritable
        self.isEffective = isEffective
        self.rootID = rootID
    }
}

extension FileCapabilities {
    private static let effectiveFlag: UInt32 = 1

    /// Reads the attribute's value. C names: `struct vfs_cap_data`, `struct vfs_ns_cap_data`.
    public init(attribute bytes: [UInt8]) throws(CapabilityError) {
        guard let revision = FileCapabilityWords.revision(of: bytes) else {
            throw .malformedAttribute("\(bytes.count) bytes")
        }
        guard let size = FileCapabilityWords.size(ofRevision: revision) else {
            throw .malformedAttribute("revision \(revision)")
        }
        // The kernel takes no size but the one of the revision.
        guard let words = FileCapabilityWords(bytes) else {
            throw .malformedAttribute("\(bytes.count) bytes, where revision \(revision) has \(size)")
        }
        permitted = CapabilitySet(bits: words.permitted)
        inheritable = CapabilitySet(bits: words.inheritable)
        isEffective = words.flags & Self.effectiveFlag != 0
        rootID = words.rootID
        otherFlags = words.flags & ~Self.effectiveFlag
    }

    /// The attribute's value: revision 3 where there is a ``rootID``, else 2.
    public var attributeBytes: [UInt8] {
        FileCapabilityWords(
            flags: otherFlags & ~Self.effectiveFlag | (isEffective ? Self.effectiveFlag : 0), permitted: permitted.bits,
            inheritable: inheritable.bits, rootID: rootID
        ).bytes
    }

    /// The capabilities of an open file; nil when it has none (`fgetxattr`).
    public static func read(from file: borrowing Descriptor) throws(KernelError) -> FileCapabilities? {
        guard let bytes = try file.attributeBytes(attributeName) else { return nil }
        do { return try FileCapabilities(attribute: bytes) } catch {
            throw KernelError("fgetxattr", attributeName, in: file.name, errno: .invalidArgument, hint: "\(error)")
        }
    }

    /// Gives an open file these capabilities (`fsetxattr`). A writer in a user namespace writes for its own namespace,
    /// and the kernel makes revision 3 of it.
    public func write(to file: borrowing Descriptor) throws(KernelError) {
        try file.setAttribute(Self.attributeName, to: attributeBytes)
    }

    /// Takes an open file's capabilities away; none is no error (`fremovexattr`).
    public static func remove(from file: borrowing Descriptor) throws(KernelError) {
        try file.removeAttribute(attributeName)
    }
}

extension FileCapabilities: CustomStringConvertible {
    /// As `getcap` prints it: libcap's text, and the root id where there is one.
    public var description: String {
        let effective = isEffective ? permitted.union(inheritable) : []
        let text = ProcessCapabilities(effective: effective, permitted: permitted, inheritable: inheritable).text
        return rootID.map { "\(text) [rootid=\($0)]" } ?? text
    }

    /// Reads libcap's text, as `setcap` takes it: `cap_net_raw=ep`. A file has one effective bit, so either all of its
    /// capabilities are effective or none.
    public init(parsing text: String, rootID: UInt32? = nil) throws(CapabilityError) {
        let sets = try ProcessCapabilities(parsing: text)
        let all = sets.permitted.union(sets.inheritable)
        guard sets.effective.isEmpty || sets.effective == all else { throw .partlyEffective(text) }
        self.init(
            permitted: sets.permitted, inheritable: sets.inheritable, isEffective: !sets.effective.isEmpty,
            rootID: rootID)
    }
}
