// SPDX-License-Identifier: Apache-2.0

/// Which user and group ids inside a user namespace (or on an ID-mapped mount's disk) are which ids outside.
///
/// A value of this type is valid by construction: what the kernel would refuse, or accept and misread, throws an
/// ``IDMapError`` that names the offending extent. It is kept in canonical form (sorted by the inside id, neighbours
/// that continue each other merged), so two ways to write the same map compare and hash equal.
///
/// The kernel's files are `/proc/PID/uid_map` and `gid_map`. Since Linux 3.8; 340 extents since 4.15, five before.
public struct IDMap: Hashable, Sendable {
    /// The extents for user ids, in canonical order.
    public let uid: [Extent]
    /// The extents for group ids, in canonical order.
    public let gid: [Extent]

    /// A map of one extent that starts at id 0 inside, for user and group ids alike.
    public init(outside: UInt32, count: UInt32) throws(IDMapError) {
        try self.init(extents: [Extent(inside: 0, outside: outside, count: count)])
    }

    /// The same extents for user and group ids.
    public init(extents: [Extent]) throws(IDMapError) {
        uid = try canonical(extents)
        gid = uid
    }

    /// Different extents for user and group ids. Both need at least one: a namespace or mount with only one of the two
    /// maps is refused by the kernel, or maps every other id to the overflow id.
    public init(uid: [Extent], gid: [Extent]) throws(IDMapError) {
        self.uid = try canonical(uid)
        self.gid = uid == gid ? self.uid : try canonical(gid)
    }

    /// Extents that are known to be canonical.
    init(checkedUID uid: [Extent], gid: [Extent]) {
        self.uid = uid
        self.gid = gid
    }

    /// A run of ids: `count` ids from `inside` on are those from `outside` on.
    public struct Extent: Hashable, Sendable {
        /// The first id as seen inside the namespace; for a mount, as stored on disk.
        public var inside: UInt32
        /// The first id as seen outside, in the parent user namespace.
        public var outside: UInt32
        /// How many ids.
        public var count: UInt32

        /// An extent; ``IDMap`` checks it.
        public init(inside: UInt32, outside: UInt32, count: UInt32) {
            self.inside = inside
            self.outside = outside
            self.count = count
        }
    }
}

// MARK: - Translation

extension IDMap {
    /// The id outside that the user id `inside` is, or nil where it is not mapped.
    public func outside(uid inside: UInt32) -> UInt32? { uid.lookUp(inside, \.inside, \.outside) }
    /// The id outside that the group id `inside` is, or nil where it is not mapped.
    public func outside(gid inside: UInt32) -> UInt32? { gid.lookUp(inside, \.inside, \.outside) }
    /// The id inside that the user id `outside` is, or nil where it is not mapped.
    public func inside(uid outside: UInt32) -> UInt32? { uid.lookUp(outside, \.outside, \.inside) }
    /// The id inside that the group id `outside` is, or nil where it is not mapped.
    public func inside(gid outside: UInt32) -> UInt32? { gid.lookUp(outside, \.outside, \.inside) }

    /// Whether the host's root, uid or gid 0, is among the ids: files of the kernel that judge by id are then theirs who are
    /// inside.
    public var holdsHostRoot: Bool { inside(uid: 0) != nil || inside(gid: 0) != nil }
}

extension [IDMap.Extent] {
    // A map is seldom longer than three extents: a walk beats a search.
    fileprivate func lookUp(
        _ id: UInt32, _ from: KeyPath<IDMap.Extent, UInt32>, _ to: KeyPath<IDMap.Extent, UInt32>
    ) -> UInt32? {
        for extent in self where id >= extent[keyPath: from] {
            let offset = id - extent[keyPath: from]
            if offset < extent.count { return extent[keyPath: to] + offset }
        }
        return nil
    }
}

// MARK: - Text

extension IDMap {
    /// The text to write to `uid_map`, in one write.
    public var uidText: String { kernelText(uid) }
    /// The text to write to `gid_map`, in one write.
    public var gidText: String { kernelText(gid) }
}

extension IDMap.Extent: CustomStringConvertible {
    /// `INSIDE:OUTSIDE:COUNT`.
    public var description: String { "\(inside):\(outside):\(count)" }
}

extension IDMap: CustomStringConvertible {
    /// `INSIDE:OUTSIDE:COUNT`, comma separated; where the two differ, `uid … gid …`.
    public var description: String {
        uid == gid ? Self.text(uid) : "uid \(Self.text(uid)) gid \(Self.text(gid))"
    }

    /// Extents as the tool takes them: `INSIDE:OUTSIDE:COUNT`, comma separated.
    public static func text(_ extents: [Extent]) -> String {
        extents.map(\.description).joined(separator: ",")
    }
}

func kernelText(_ extents: [IDMap.Extent]) -> String {
    extents.reduce(into: "") { $0 += "\($1.inside) \($1.outside) \($1.count)\n" }
}
