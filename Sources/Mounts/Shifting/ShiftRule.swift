// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// What a map makes of single ids, user or group ids: a map's inside is shifted to its outside.
///
/// Ids that the map leaves as they are count as right.
struct ShiftRule: Hashable, Sendable {
    /// What an id is to the map.
    enum Standing {
        /// It is to become another.
        case shifts(to: UInt32)
        /// It is one that others become, or that stays the same.
        case right
        /// The map does not know it.
        case unmapped
    }

    private var extents: [IDMap.Extent]
    /// Whether an id can be both one to shift and one that was shifted: then an id alone does not tell which.
    let overlaps: Bool

    init(_ extents: [IDMap.Extent]) {
        self.extents = extents
        let moving = extents.filter { $0.inside != $0.outside }
        overlaps = moving.contains { source in
            moving.contains { target in
                source.inside < target.outside + target.count && target.outside < source.inside + source.count
            }
        }
    }

    /// The same with an array of its own.
    var copied: ShiftRule {
        var copy = self
        copy.extents = extents.map { $0 }
        return copy
    }

    /// What an id is, that nothing was done to yet.
    func standing(of id: UInt32) -> Standing {
        if let target = forward(id) { return target == id ? .right : .shifts(to: target) }
        return backward(id) == nil ? .unmapped : .right
    }

    /// The id that this one is to become; itself where the map says so, nil where it does not know it.
    func forward(_ id: UInt32) -> UInt32? {
        for extent in extents where id >= extent.inside {
            let offset = id - extent.inside
            if offset < extent.count { return extent.outside + offset }
        }
        return nil
    }

    /// The id that became this one.
    func backward(_ id: UInt32) -> UInt32? {
        for extent in extents where id >= extent.outside {
            let offset = id - extent.outside
            if offset < extent.count { return extent.inside + offset }
        }
        return nil
    }

    /// Whether an inode found later with this id, or with what it becomes, would not tell whether it was shifted.
    func isAmbiguous(_ id: UInt32) -> Bool {
        if let source = backward(id), source != id { return true }
        guard let target = forward(id), target != id, let next = forward(target) else { return false }
        return next != target
    }

    /// Whether an id is to become another.
    func shifts(_ id: UInt32) -> Bool { forward(id).map { $0 != id } ?? false }

    /// Whether the map knows an id, and it tells whether it was shifted.
    func isOrdinary(_ id: UInt32) -> Bool {
        if case .unmapped = standing(of: id) { return false }
        return !isAmbiguous(id)
    }

    /// The id in a direction; itself where the map does not know it.
    func moved(_ id: UInt32, _ direction: ShiftDirection) -> UInt32 {
        (direction == .forward ? forward(id) : backward(id)) ?? id
    }
}

/// Both rules of a map.
struct ShiftRules: Hashable, Sendable {
    private(set) var uid: ShiftRule
    private(set) var gid: ShiftRule

    init(_ map: IDMap) {
        uid = ShiftRule(map.uid)
        gid = ShiftRule(map.gid)
    }

    /// The same with arrays of their own.
    var copied: ShiftRules {
        var copy = self
        copy.uid = uid.copied
        copy.gid = gid.copied
        return copy
    }

    var overlap: Bool { uid.overlaps || gid.overlaps }
}

/// To the map's outside, or back.
enum ShiftDirection: Hashable, Sendable {
    case forward
    case backward
}
