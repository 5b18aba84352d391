// SPDX-License-Identifier: Apache-2.0

/// One difference between two looks at a mount table.
public enum MountTableChange: Hashable, Sendable {
    /// A mount that was not there.
    case mounted(MountEntry)
    /// A mount that is gone.
    case unmounted(MountEntry)
    /// A mount that was moved, remounted with other options, or spreads otherwise.
    case changed(before: MountEntry, after: MountEntry)

    /// The mount, as it is or last was.
    public var entry: MountEntry {
        switch self {
        case .mounted(let entry), .unmounted(let entry), .changed(_, let entry): entry
        }
    }
}

extension MountTable {
    /// What happened since an earlier look: what is gone in the order of a reversed unpiling, then what came and what
    /// changed, in the kernel's order.
    ///
    /// The kernel uses numbers again: a number with other files, or that has lost its ID map, is another mount.
    public func changes(since before: MountTable) -> [MountTableChange] {
        let old = Dictionary(before.entries.map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        let new = Dictionary(entries.map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        let gone = before.entries.reversed().filter { entry in
            new[entry.id].map { !$0.isSameMount(as: entry) } ?? true
        }
        let rest = entries.compactMap { entry -> MountTableChange? in
            guard let earlier = old[entry.id], entry.isSameMount(as: earlier) else { return .mounted(entry) }
            return earlier == entry ? nil : .changed(before: earlier, after: entry)
        }
        return gone.map(MountTableChange.unmounted) + rest
    }
}

extension MountEntry {
    /// What no change of a mount changes. A map, once on an attached mount, stays.
    func isSameMount(as other: MountEntry) -> Bool {
        id == other.id && device == other.device && root == other.root && type == other.type
            && isIDMapped == other.isIDMapped
    }
}
