// SPDX-License-Identifier: Apache-2.0

/// An interface file that is read and written: `try pod.write(.mebibytes(256), to: .memoryMin)`.
public struct InterfaceFile<Value: InterfaceValue>: Hashable, Sendable {
    /// Which file.
    public let file: CgroupFile

    init(
        _ name: String, _ controller: Controller?, since: String, _ presence: CgroupFile.Presence = .notOnRoot,
        range: ClosedRange<Int64>? = nil, notifies: Bool = false, isDelegatable: Bool = false
    ) {
        file = CgroupFile(
            name, controller, since: since, presence, .readWrite, content: Value.self, command: Value.self,
            range: range,
            notifies: notifies, isDelegatable: isDelegatable)
    }
}

/// An interface file that is only read, or whose writes mean something else than its content:
/// `try pod.read(.memoryEvents)`.
public struct StatusFile<Value: StatusValue>: Hashable, Sendable {
    /// Which file.
    public let file: CgroupFile

    init(
        _ name: String, _ controller: Controller?, since: String, _ presence: CgroupFile.Presence = .notOnRoot,
        notifies: Bool = false
    ) {
        file = CgroupFile(
            name, controller, since: since, presence, .read, content: Value.self, command: nil, notifies: notifies)
    }

    init(
        _ name: String, _ controller: Controller?, since: String, _ presence: CgroupFile.Presence = .notOnRoot,
        written command: any InterfaceValue.Type, writableSince: String? = nil, isDelegatable: Bool = false
    ) {
        file = CgroupFile(
            name, controller, since: since, presence, .readWrite, content: Value.self, command: command,
            writableSince: writableSince, isDelegatable: isDelegatable)
    }
}

/// An interface file with a line for each device or resource, read whole and written one line at a time:
/// `try pod.write(IOLimit(disk, writeBytes: 1_000_000), to: .ioMax)`.
public struct LineFile<Line: InterfaceValue & Hashable>: Hashable, Sendable {
    /// Which file.
    public let file: CgroupFile

    init(
        _ name: String, _ controller: Controller, since: String, _ presence: CgroupFile.Presence = .notOnRoot,
        range: ClosedRange<Int64>? = nil
    ) {
        file = CgroupFile(
            name, controller, since: since, presence, .readWrite, content: KernelLines<Line>.self, command: Line.self,
            range: range)
    }
}

/// An interface file that is only written: `try pod.write(ReclaimRequest(.mebibytes(16)), to: .memoryReclaim)`.
public struct CommandFile<Command: InterfaceValue>: Hashable, Sendable {
    /// Which file.
    public let file: CgroupFile

    init(
        _ name: String, _ controller: Controller?, since: String, _ presence: CgroupFile.Presence = .notOnRoot,
        isDelegatable: Bool = false
    ) {
        file = CgroupFile(
            name, controller, since: since, presence, .write, content: nil, command: Command.self,
            isDelegatable: isDelegatable)
    }
}
