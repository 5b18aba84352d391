// SPDX-License-Identifier: Apache-2.0

/// A run of ids.
public struct IDRange: Hashable, Sendable {
    /// The first id.
    public var first: UInt32
    /// How many.
    public var count: UInt32

    /// `count` ids from `first` on.
    public init(first: UInt32, count: UInt32) {
        self.first = first
        self.count = count
    }

    /// The ids of one side of an extent.
    public init(_ extent: IDMap.Extent, _ side: IDMapError.Side) {
        self.init(first: side == .inside ? extent.inside : extent.outside, count: extent.count)
    }

    /// The id behind the last one; with the last id of all it is 4294967296.
    public var end: UInt64 { UInt64(first) + UInt64(count) }

    /// Whether an id is one of them.
    public func contains(_ id: UInt32) -> Bool { id >= first && UInt64(id) < end }

    /// Whether the two share ids.
    public func overlaps(_ other: IDRange) -> Bool { UInt64(first) < other.end && UInt64(other.first) < end }
}

extension IDRange: CustomStringConvertible {
    /// `100000 to 165535`, or the one id.
    public var description: String {
        switch count {
        case 0: "none from \(first) on"
        case 1: "\(first)"
        default: "\(first) to \(end - 1)"
        }
    }
}
