// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// Gives each inode the owner, lists and capabilities it is to have, forth or back.
final class ChangeVisitor: TreeVisitor {
    private struct State {
        var total = ShiftTally()
        /// Inodes of several names that a thread has taken on.
        var claimed: Set<InodeKey> = []
    }

    /// What one thread counted, and its own copy of the rules.
    struct Tally: Sendable {
        var counts = ShiftTally()
        let rules: ShiftRules
    }

    private let rules: ShiftRules
    private let direction: ShiftDirection
    private let books: ShiftBooks
    /// Whether nothing was changed before: then an inode is as it was, whatever its record says.
    private let isFirst: Bool
    /// What the look before found, where nothing was changed since.
    private let notes: SurveyNotes?
    /// Notes do not know what was mounted since.
    private let mounts: MountChanges?
    private let mount: UInt64
    private let state = Mutex(State())

    init(
        _ rules: ShiftRules, _ direction: ShiftDirection, _ books: ShiftBooks, isFirst: Bool,
        notes: SurveyNotes?, mounts: MountChanges?, mount: UInt64
    ) {
        self.rules = rules
        self.direction = direction
        self.books = books
        self.isFirst = isFirst
        self.notes = isFirst && mounts != nil ? notes : nil
        self.mounts = mounts
        self.mount = mount
    }

    var emptyTally: Tally { Tally(rules: rules.copied) }
    var total: ShiftTally { state.withLock { $0.total } }

    func absorb(_ tally: inout Tally) {
        state.withLock { [tally] state in state.total.add(tally.counts) }
        tally.counts = ShiftTally()
    }

    func passMount(_ tally: inout Tally) { tally.counts.mounts += 1 }
    func passVanished(_ tally: inout Tally) { tally.counts.vanished += 1 }

    /// Follows the notes where there are some and the names are still the same, or looks at each again.
    func visitAll(
        _ scan: inout DirectoryScan, in directory: borrowing Descriptor, at place: SurveyNotes.Place,
        _ directories: inout [UInt8], _ tally: inout Tally
    ) throws(KernelError) {
        var runs: ArraySlice<SurveyNotes.Run> = []
        if let notes, let found = notes.runs(at: place, fingerprint: scan.fingerprint(key: notes.key)),
            mounts?.areNone ?? false
        {
            runs = found
        }
        var run = SurveyNotes.Run(way: .look, count: 0)
        while let entry = try scan.next() {
            if try scan.isDirectory(entry, in: directory) {
                scan.append(entry, to: &directories)
                continue
            }
            if run.count == 0 { run = runs.popFirst() ?? SurveyNotes.Run(way: .look) }
            run.count -= 1
            switch run.way {
            case .change(let uid, let gid) where books != .changed:
                if try scan.changeOwner(entry, in: directory, uid: uid, gid: gid) {
                    tally.counts.changed += 1
                } else {
                    passVanished(&tally)
                }
            case .nothing: tally.counts.right += 1
            case .look, .change: try visit(entry, &scan, in: directory, &tally)
            }
        }
    }

    func visit(
        _ entry: DirectoryScan.Entry, _ scan: inout DirectoryScan, in directory: borrowing Descriptor,
        _ tally: inout Tally
    ) throws(KernelError) {
        var status = InodeStatus()
        guard try scan.status(entry, in: directory, &status) else { return passVanished(&tally) }
        guard status.mountID == mount else { return passMount(&tally) }
        if status.links > 1, !claim(status) {
            tally.counts.links += 1
            return
        }
        let uid = tally.rules.uid.moved(status.uid, direction)
        let gid = tally.rules.gid.moved(status.gid, direction)
        let moves = uid != status.uid || gid != status.gid
        if try isPlain(entry, status, moves: moves, &scan, in: directory) {
            if !moves {
                tally.counts.right += 1
            } else if try scan.changeOwner(entry, in: directory, uid: uid, gid: gid) {
                tally.counts.changed += 1
            } else {
                passVanished(&tally)
            }
            return
        }
        guard let handle = try scan.open(entry, in: directory) else { return passVanished(&tally) }
        try visit(handle, try handle.status(), &tally)
    }

    func visit(
        _ handle: borrowing InodeHandle, _ status: InodeStatus, _ tally: inout Tally
    ) throws(KernelError) {
        if try settle(handle, status, tally.rules) { tally.counts.changed += 1 } else { tally.counts.right += 1 }
    }

    private func claim(_ status: InodeStatus) -> Bool {
        state.withLock { $0.claimed.insert(InodeKey(status)).inserted }
    }

    /// Whether one change of owner is all that an inode can need.
    private func isPlain(
        _ entry: DirectoryScan.Entry, _ status: InodeStatus, moves: Bool, _ scan: inout DirectoryScan,
        in directory: borrowing Descriptor
    ) throws(KernelError) -> Bool {
        if status.setID != 0 { return false }
        // What is to be changed gets its record first.
        if books == .changed, moves, isFirst { return false }
        // A record may be on anything; a link of its own has nothing else.
        if status.isSymbolicLink, books == .ids { return true }
        let found = try scan.attributes(entry, in: directory, among: InodeOwnership.names)
        return found.isEmpty && (books != .changed || isFirst)
    }

    /// Makes an inode what it is to be; false when it was so already.
    ///
    /// Where one call does it, the inode is either as before or as after. Where it takes several, what it was is first
    /// written on it: the kernel takes set-id bits and capabilities away with a change of owner, and who finds it then
    /// could not know them.
    private func settle(
        _ handle: borrowing InodeHandle, _ status: InodeStatus, _ rules: ShiftRules
    ) throws(KernelError) -> Bool {
        let found = try handle.attributes(among: InodeOwnership.names)
        let now = try InodeOwnership(handle, status, found)
        var record: ShiftRecord?
        if found.contains(.record) {
            // Before the first change only the records of ambiguous inodes are ours; others came with a copied file.
            if isFirst && books != .ambiguous {
                try handle.removeAttribute(ShiftRecord.attribute)
            } else {
                record = try ShiftRecord.read(from: handle)
            }
        }
        let target: InodeOwnership
        switch direction {
        case .forward: target = (record?.before ?? now).moved(rules, .forward)
        case .backward: target = record?.before ?? (books == .changed ? now : now.moved(rules, .backward))
        }
        let change = OwnershipChange(from: now, to: target, isDirectory: status.isDirectory)
        if !change.isEmpty {
            if record == nil, books == .changed || change.takesSeveralCalls {
                let made = ShiftRecord(direction == .forward ? now : target, stays: books == .changed)
                try handle.setAttribute(ShiftRecord.attribute, to: made.bytes)
                record = made
            }
            try change.perform(on: handle)
        }
        if let record, !record.stays { try handle.removeAttribute(ShiftRecord.attribute) }
        return !change.isEmpty
    }
}

extension ShiftTally {
    mutating func add(_ other: ShiftTally) {
        changed += other.changed
        right += other.right
        links += other.links
        mounts += other.mounts
        vanished += other.vanished
    }
}

/// The calls between what an inode is and what it is to be.
struct OwnershipChange {
    private let from: InodeOwnership
    private let to: InodeOwnership
    private let owner: Bool
    private let mode: Bool
    private let capability: Bool
    private let access: Bool
    private let inherited: Bool

    init(from: InodeOwnership, to: InodeOwnership, isDirectory: Bool) {
        self.from = from
        self.to = to
        owner = from.uid != to.uid || from.gid != to.gid
        let bits = isDirectory ? 0 : to.mode & 0o6000
        mode = bits != 0 && (owner || bits != from.mode & 0o6000)
        // A list or a capability that others have added meanwhile is theirs.
        capability = to.capability != nil && (owner || from.capability != to.capability)
        access = to.access != nil && from.access != to.access
        inherited = to.inherited != nil && from.inherited != to.inherited
    }

    var isEmpty: Bool { !(owner || mode || capability || access || inherited) }
    var takesSeveralCalls: Bool { [owner, mode, capability, access, inherited].count { $0 } > 1 }

    /// The owner first, for it takes the others away.
    func perform(on handle: borrowing InodeHandle) throws(KernelError) {
        if owner { try handle.changeOwner(uid: to.uid, gid: to.gid) }
        if access, let list = to.access { try handle.setAttribute(InodeOwnership.accessName, to: list) }
        if inherited, let list = to.inherited { try handle.setAttribute(InodeOwnership.inheritedName, to: list) }
        if mode { try handle.changeMode(from.mode & 0o1777 | to.mode & 0o6000) }
        if capability, let value = to.capability {
            try handle.setAttribute(InodeOwnership.capabilityName, to: value)
        }
    }
}
