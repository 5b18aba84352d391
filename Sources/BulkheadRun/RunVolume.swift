// SPDX-License-Identifier: Apache-2.0

package import Launching
package import LinuxKernel
package import NodeModel

/// How the owners of a volume become those of a run's ids.
package enum VolumeOwners: String, CaseIterable, Hashable, Sendable {
    /// By an ID-mapped mount, or not at all.
    case idmap
    /// By an ID-mapped mount; where the file system takes no map, by rewriting the owners on disk.
    case preferIDMap = "prefer-idmap"
    /// By rewriting the owners on disk.
    case shift
    /// Not at all.
    case plain

    /// Whether owners on disk may be rewritten.
    package var mayShift: Bool { self == .preferIDMap || self == .shift }
}

/// A volume as it was asked for.
package struct RunVolume: Hashable, Sendable {
    package var mount: HostVolume
    package var owners: VolumeOwners

    package init(_ mount: HostVolume, _ owners: VolumeOwners) {
        self.mount = mount
        self.owners = owners
    }
}

/// Rewrites the owners of volumes: what the program that has only `run` does not know how to do.
package protocol VolumeShifting {
    /// The first of the host ids that a volume has already, which are best taken again.
    func firstID(of volumes: [RunVolume]) throws -> UInt32?
    /// Gives volumes their owners, and says how each is to be mounted. What they are given lasts as long as this value.
    mutating func settle(
        _ volumes: [RunVolume], map: IDMap, signals: borrowing SignalDescriptor
    ) throws -> [HostVolume]
}

extension RunOptions {
    /// Whether a volume's owners may have to be rewritten.
    var mayShift: Bool {
        volumeOwners.mayShift
            || volumes.contains { text in
                text.split(separator: ":").dropFirst(2).contains {
                    VolumeOwners(rawValue: String($0))?.mayShift ?? false
                }
            }
    }
}
