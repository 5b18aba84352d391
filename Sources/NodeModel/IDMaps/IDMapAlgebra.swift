// SPDX-License-Identifier: Apache-2.0

extension IDMap {
    /// The map read the other way: what was outside is inside.
    public var inverted: IDMap { IDMap(checkedUID: Self.inverted(uid), gid: Self.inverted(gid)) }

    /// The ids that both maps hold and agree on; nil where there is none of either kind.
    public func intersection(_ other: IDMap) -> IDMap? {
        let uid = Self.intersection(uid, other.uid)
        let gid = Self.intersection(gid, other.gid)
        return uid.isEmpty || gid.isEmpty ? nil : IDMap(checkedUID: uid, gid: gid)
    }

    /// This map, of a namespace inside a namespace whose map is `parent`, as seen from outside of both.
    ///
    /// Where `parent` is cut into many extents the result may be more than the kernel takes, which throws.
    public func composed(with parent: IDMap) throws(IDMapError) -> Composition {
        let users = Self.composed(uid, parent.uid)
        let groups = Self.composed(gid, parent.gid)
        let map: IDMap? =
            if users.mapped.isEmpty || groups.mapped.isEmpty { nil } else {
                try IDMap(uid: users.mapped, gid: groups.mapped)
            }
        return Composition(map: map, unmappedUID: users.unmapped, unmappedGID: groups.unmapped)
    }

    /// What two maps, one inside the other, make.
    public struct Composition: Hashable, Sendable {
        /// The map from the inner inside to the outer outside; nil where no user id or no group id is left.
        public var map: IDMap?
        /// User ids of the inner map that the outer does not have.
        public var unmappedUID: [IDRange]
        /// Group ids likewise.
        public var unmappedGID: [IDRange]
    }

    /// The extents to write for a namespace that is made inside one whose map is `parent`: the kernel refuses (EPERM) an
    /// extent that lies across two of the parent's, or has an id that the parent has not.
    public func split(forParent parent: IDMap) throws(IDMapError) -> (uid: [Extent], gid: [Extent]) {
        (try Self.split(uid, parent.uid), try Self.split(gid, parent.gid))
    }

    /// The texts to write to `uid_map` and `gid_map` of a namespace that is made inside one whose map is `parent`.
    public func texts(forParent parent: IDMap) throws(IDMapError) -> (uid: String, gid: String) {
        let parts = try split(forParent: parent)
        return (kernelText(parts.uid), kernelText(parts.gid))
    }

    /// How many extents a map can have whose lines are this long: the kernel takes one write of less than a page.
    public static func maximumExtents(lineBytes: Int, pageSize: Int = 4096) -> Int {
        min(maximumExtents, (pageSize - 1) / max(1, lineBytes))
    }
}

// MARK: - On one kind of ids

extension IDMap {
    static func inverted(_ extents: [Extent]) -> [Extent] {
        // What continues each other does so on both sides, so nothing can be merged that was not before.
        extents.map { Extent(inside: $0.outside, outside: $0.inside, count: $0.count) }.sorted { $0.inside < $1.inside }
    }

    static func intersection(_ one: [Extent], _ other: [Extent]) -> [Extent] {
        var common: [Extent] = []
        for left in one {
            for right in other where left.outside &- left.inside == right.outside &- right.inside {
                let first = max(left.inside, right.inside)
                let end = min(left.inside + left.count, right.inside + right.count)
                if first < end {
                    common.append(
                        Extent(inside: first, outside: left.outside &- left.inside &+ first, count: end - first))
                }
            }
        }
        return common
    }

    /// One kind of ids of what ``composed(with:)`` makes; the ids that the outer map has not are those inside.
    package static func composed(_ inner: [Extent], _ outer: [Extent]) -> (mapped: [Extent], unmapped: [IDRange]) {
        var mapped: [Extent] = []
        var unmapped: [IDRange] = []
        for piece in pieces(of: inner, in: outer) {
            if let outside = piece.beyond {
                mapped.append(Extent(inside: piece.extent.inside, outside: outside, count: piece.extent.count))
            } else {
                unmapped.append(IDRange(first: piece.extent.inside, count: piece.extent.count))
            }
        }
        return (mapped, unmapped)
    }

    static func split(_ extents: [Extent], _ parent: [Extent]) throws(IDMapError) -> [Extent] {
        var parts: [Extent] = []
        for piece in pieces(of: extents, in: parent) {
            guard piece.beyond != nil else { throw .notInParent(piece.whole, IDRange(piece.extent, .outside)) }
            parts.append(piece.extent)
        }
        try checkSize(parts)
        return parts
    }

    private struct Piece {
        /// The extent that it is a part of.
        var whole: Extent
        var extent: Extent
        /// What its first outside id is in the next namespace out; nil where that does not have it.
        var beyond: UInt32?
    }

    /// The extents, cut wherever the outer map's extents begin and end.
    private static func pieces(of extents: [Extent], in outer: [Extent]) -> [Piece] {
        var pieces: [Piece] = []
        for whole in extents {
            var rest = whole
            // The outer extents are sorted by what is this map's outside.
            for part in outer where rest.count > 0 && part.inside + part.count > rest.outside {
                if part.inside > rest.outside {
                    pieces.append(
                        Piece(whole: whole, extent: rest.removePrefix(part.inside - rest.outside), beyond: nil))
                }
                guard rest.count > 0 else { break }
                let offset = rest.outside - part.inside
                let piece = rest.removePrefix(part.count - offset)
                pieces.append(Piece(whole: whole, extent: piece, beyond: part.outside + offset))
            }
            if rest.count > 0 { pieces.append(Piece(whole: whole, extent: rest, beyond: nil)) }
        }
        return pieces
    }
}

extension IDMap.Extent {
    /// Takes up to `length` ids off the start.
    fileprivate mutating func removePrefix(_ length: UInt32) -> IDMap.Extent {
        let taken = min(length, count)
        let prefix = IDMap.Extent(inside: inside, outside: outside, count: taken)
        // A valid extent ends before 4294967295.
        self = IDMap.Extent(inside: inside + taken, outside: outside + taken, count: count - taken)
        return prefix
    }
}
