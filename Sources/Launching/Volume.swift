// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel

/// A directory or file of the host that the command sees at a path of its own.
public struct Volume: Hashable, Sendable {
    /// How ids on disk relate to ids inside.
    public enum Ownership: String, Hashable, Sendable {
        /// An ID-mapped mount: id 0 on disk is id 0 inside, and no inode changes its owner. Refused where the file
        /// system cannot.
        case idmapped
        /// As on the host: what belongs to ids outside the map belongs to nobody inside.
        case plain
    }

    /// The path on the host.
    public var source: String
    /// The path inside.
    public var target: String
    /// Whether writes through the mount are refused.
    public var readOnly: Bool
    /// How owners are seen.
    public var ownership: Ownership

    /// Plans a volume.
    public init(source: String, target: String, readOnly: Bool = false, ownership: Ownership = .idmapped) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
        self.ownership = ownership
    }

    /// A volume brings neither devices nor set-id programs of the host inside.
    var attributes: MountAttributes {
        readOnly ? [.noSetID, .noDevices, .readOnly] : [.noSetID, .noDevices]
    }
}
