// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import SystemPackage

/// How far a shift has come that did not end, as its mark on the root of the tree says.
public struct UnfinishedShift: Hashable, Sendable, CustomStringConvertible {
    /// What was being done.
    public enum Phase: String, Hashable, Sendable {
        /// What the inodes were was being written down; no owner has changed.
        case recording
        /// Owners are being changed.
        case shifting
        /// Every owner is changed; what was written down is being removed.
        case tidying
        /// Owners are being changed back.
        case restoring
        /// Every owner is as before; what was written down is being removed.
        case restored
    }

    /// Where it stopped.
    public var phase: Phase
    /// Its map.
    public var map: IDMap
    /// Whether ids that the map does not know are kept.
    public var keepsUnmapped: Bool
    /// Where it is known what inodes were before.
    var books: ShiftBooks
    /// Whether the root keeps the map in the end.
    var leavesMap = false

    /// In words.
    public var description: String {
        let text =
            switch phase {
            case .recording: "is about to begin"
            case .shifting: "is under way"
            case .tidying: "has changed every owner and is being tidied up"
            case .restoring, .restored: "is being rolled back"
            }
        return "a shift by \(map) \(text)"
    }
}

/// Which inodes carry a record until the end.
enum ShiftBooks: String, Hashable, Sendable {
    /// None: an inode's ids alone tell whether it was shifted.
    case ids
    /// Those whose ids would not tell; they got it before the first change.
    case ambiguous
    /// Those that are changed; they get it before their change, and what has none was never touched.
    case changed
}

/// The journal: an extended attribute of the tree's root that only the host's root can write. It is on the disk before
/// the first change, and goes when all changes are.
struct ShiftMark {
    static let attribute = "trusted.bulkhead.shift"
    /// Left on the root where the map's ids overlap, for nothing else tells that the tree was shifted already; and where it
    /// was asked for.
    static let shiftedAttribute = "trusted.bulkhead.shifted"

    /// The map that was left on a directory; nil when there is none.
    static func lastMap(on root: borrowing InodeHandle) throws(KernelError) -> IDMap? {
        guard let bytes = try root.attribute(shiftedAttribute) else { return nil }
        let fields = lastMapFields(String(decoding: bytes, as: UTF8.self))
        return try? IDMap(parsingUID: [fields.uid], gid: [fields.gid])
    }

    private static func lastMapFields(_ text: String) -> (uid: String, gid: String) {
        let parts = text.split(separator: ";").map(String.init)
        return (parts.first ?? "", parts.last ?? "")
    }

    /// Leaves a map on a directory, or none.
    static func leave(_ map: IDMap?, on root: borrowing InodeHandle) throws(KernelError) {
        guard let map else { return try root.removeAttribute(shiftedAttribute) }
        let text = map.uid == map.gid ? IDMap.text(map.uid) : "\(IDMap.text(map.uid));\(IDMap.text(map.gid))"
        try root.setAttribute(shiftedAttribute, to: Array(text.utf8))
    }

    static func text(_ shift: UnfinishedShift) -> String {
        """
        bulkhead shift 1
        phase \(shift.phase.rawValue)
        uid \(IDMap.text(shift.map.uid))
        gid \(IDMap.text(shift.map.gid))
        unmapped \(shift.keepsUnmapped ? "keep" : "refuse")
        books \(shift.books.rawValue)
        leaves \(shift.leavesMap ? "map" : "nothing")

        """
    }

    static func parse(_ text: String) -> UnfinishedShift? {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        guard lines.first == ["bulkhead", "shift 1"] else { return nil }
        let fields = Dictionary(
            lines.filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { _, last in last })
        guard let uid = fields["uid"], let gid = fields["gid"],
            let phase = fields["phase"].flatMap(UnfinishedShift.Phase.init), let unmapped = fields["unmapped"],
            let books = fields["books"].flatMap(ShiftBooks.init),
            let map = try? IDMap(parsingUID: [uid], gid: [gid])
        else { return nil }
        return UnfinishedShift(
            phase: phase, map: map, keepsUnmapped: unmapped == "keep", books: books,
            leavesMap: fields["leaves"] == "map")
    }

    /// The mark on a directory; nil when there is none.
    static func read(from root: borrowing InodeHandle) throws(KernelError) -> UnfinishedShift? {
        guard let bytes = try root.attribute(attribute) else { return nil }
        guard let shift = parse(String(decoding: bytes, as: UTF8.self)) else {
            throw KernelError(
                "getxattr", attribute, in: root.descriptor.name, errno: .invalidArgument,
                hint: "not a mark of this version")
        }
        return shift
    }

    /// Writes the mark, and waits until it is on the disk.
    static func write(
        _ shift: UnfinishedShift, to root: borrowing InodeHandle, isDurable: Bool
    ) throws(KernelError) {
        do { try root.setAttribute(attribute, to: Array(text(shift).utf8)) } catch {
            switch error.errno {
            case .notSupported:
                throw error.hinting("its file system keeps no trusted.* attributes: a shift could not be resumed")
            case .notPermitted:
                throw error.hinting("the journal takes CAP_SYS_ADMIN in the initial user namespace")
            default: throw error
            }
        }
        if isDurable { try root.descriptor.synchronize() }
    }
}
