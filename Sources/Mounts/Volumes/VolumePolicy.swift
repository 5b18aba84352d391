// SPDX-License-Identifier: Apache-2.0

/// How the owners of a volume are to become those of a user namespace.
public enum VolumePolicy: String, Hashable, Sendable, CaseIterable {
    /// By an ID-mapped mount, or not at all: nothing on disk changes.
    case requireIDMap = "idmap"
    /// By an ID-mapped mount; where the file system takes no map, by rewriting the owners on disk.
    case preferIDMap = "prefer-idmap"
    /// By rewriting the owners on disk.
    case shift
    /// Not at all: what belongs to ids outside the map belongs to nobody inside.
    case plain
}

/// What will be done with a volume, why, and what it costs: decided before anything is done.
public struct VolumePlan: Hashable, Sendable {
    /// The way.
    public var means: Means
    /// Why this way.
    public var reason: String
    /// What it costs.
    public var cost: VolumeCost

    /// A way to give a volume its owners.
    public enum Means: String, Hashable, Sendable {
        /// An ID-mapped mount.
        case idmap
        /// The owners on disk are rewritten.
        case shift
        /// A mount without a map.
        case plain
    }

    /// A plan.
    public init(means: Means, reason: String, cost: VolumeCost) {
        self.means = means
        self.reason = reason
        self.cost = cost
    }
}

extension VolumePlan: CustomStringConvertible {
    /// The way, why and at what cost.
    public var description: String { "\(means.rawValue): \(reason) (\(cost))" }
}
