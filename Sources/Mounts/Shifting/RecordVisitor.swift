// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// Writes down what inodes are whose ids would not tell later, or removes everything that was written down.
final class RecordVisitor: TreeVisitor {
    enum Task: Sendable {
        case record
        case tidy
    }

    private let task: Task
    private let rules: ShiftRules
    private let mount: UInt64
    private let seen = Mutex(0)

    init(_ task: Task, _ rules: ShiftRules, mount: UInt64) {
        self.task = task
        self.rules = rules
        self.mount = mount
    }

    var emptyTally: Int { 0 }
    var names: Int { seen.withLock { $0 } }
    func absorb(_ tally: inout Int) {
        seen.withLock { [tally] in $0 += tally }
        tally = 0
    }
    func passMount(_ tally: inout Int) {}
    func passVanished(_ tally: inout Int) {}

    func visit(
        _ entry: DirectoryScan.Entry, _ scan: inout DirectoryScan, in directory: borrowing Descriptor,
        _ tally: inout Int
    ) throws(KernelError) {
        tally += 1
        let found = try scan.attributes(entry, in: directory, among: InodeOwnership.names)
        // A plain inode has only its owner, which is cheaper to ask than the inode is to open.
        if found.isEmpty {
            if task == .tidy { return }
            var status = InodeStatus()
            guard try scan.status(entry, in: directory, &status) else { return }
            if !rules.uid.isAmbiguous(status.uid), !rules.gid.isAmbiguous(status.gid) { return }
        }
        guard let handle = try scan.open(entry, in: directory) else { return }
        try act(on: handle)
    }

    func visit(
        _ directory: borrowing InodeHandle, _ status: InodeStatus, _ tally: inout Int
    ) throws(KernelError) {
        tally += 1
        try act(on: directory)
    }

    private func act(on handle: borrowing InodeHandle) throws(KernelError) {
        let status = try handle.status()
        guard status.mountID == mount else { return }
        let found = try handle.attributes(among: InodeOwnership.names)
        if task == .record {
            let now = try InodeOwnership(handle, status, found)
            if now.isAmbiguous(rules) {
                return try handle.setAttribute(
                    ShiftRecord.attribute, to: ShiftRecord(now, stays: true).bytes)
            }
        }
        if found.contains(.record) { try handle.removeAttribute(ShiftRecord.attribute) }
    }
}
