// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// Which file: its name, the controller that brings it, the kernel that has it first, and what may be done with it.
///
/// Two are the same when they have the same name. Source of the facts: Documentation/admin-guide/cgroup-v2.rst, the
/// kernel's history, and the directories of Linux 5.10, 6.1, 6.12, 6.18 and 7.2.
public struct CgroupFile: Sendable {
    /// Where it is.
    public enum Presence: Hashable, Sendable {
        /// In every cgroup, the root among them.
        case everywhere
        /// In every cgroup but the root of the whole hierarchy.
        case notOnRoot
        /// Only in the root.
        case onlyOnRoot
    }

    /// What may be done with it.
    public enum Access: String, Hashable, Sendable {
        /// It is only read.
        case read
        /// It is read and written.
        case readWrite = "read-write"
        /// It is only written; reading is EINVAL.
        case write
    }

    /// The name in every cgroup's directory.
    public let name: String
    /// The controller that must be enabled in the parent; nil for the files that every cgroup has.
    public let controller: Controller?
    /// The first Linux with it, as in `5.14`; nil when it is not known here.
    public let since: String?
    /// Where it is; nil when it is not known here.
    public let presence: Presence?
    /// What may be done with it; nil when it is not known here.
    public let access: Access?
    /// The first Linux where a file of access `readWrite` is written, when it was only read before.
    public let writableSince: String?
    /// Whether the kernel tells of its changes (`IN_MODIFY` of inotify, `EPOLLPRI` of poll).
    public let notifies: Bool
    /// Whether it goes to the new owner when a cgroup is delegated, as `/sys/kernel/cgroup/delegate` lists.
    public let isDelegatable: Bool
    /// The numbers that the kernel takes, where that is less than its numbers can hold.
    public let range: ClosedRange<Int64>?
    /// What it holds; nil when it is only written or not known here.
    public let content: (any StatusValue.Type)?
    /// What is written to it; nil when it is only read or not known here.
    public let command: (any InterfaceValue.Type)?

    init(
        _ name: String, _ controller: Controller?, since: String, _ presence: Presence, _ access: Access,
        content: (any StatusValue.Type)?, command: (any InterfaceValue.Type)?, range: ClosedRange<Int64>? = nil,
        writableSince: String? = nil, notifies: Bool = false, isDelegatable: Bool = false
    ) {
        self.name = name
        self.controller = controller
        self.since = since
        self.presence = presence
        self.access = access
        self.content = content
        self.command = command
        self.range = range
        self.writableSince = writableSince
        self.notifies = notifies
        self.isDelegatable = isDelegatable
    }

    /// The file of this name: the constant, where there is one, and otherwise a file of which only the controller is
    /// known, by the word before the first dot.
    public init(named name: String) {
        if let known = Self.constant(named: name) {
            self = known
            return
        }
        self.name = name
        controller = Controller.known.first { name.hasPrefix($0.rawValue + ".") }
        since = nil
        presence = nil
        access = nil
        content = nil
        command = nil
        range = nil
        writableSince = nil
        notifies = false
        isDelegatable = false
    }

    /// Whether it has a constant, so that its content is known.
    public var isKnown: Bool { access != nil }

    /// Whether it has a line for each device, region or resource: a write is one line, and the others stay.
    public var isKeyed: Bool { content is any LineByLine.Type }

    /// Whether it holds one number of bytes, or `max`, and is written with one.
    public var holdsBytes: Bool { content == ByteCount.self && command == ByteCount.self }
}

extension CgroupFile: Hashable, CustomStringConvertible {
    /// The same name.
    public static func == (one: CgroupFile, other: CgroupFile) -> Bool { one.name == other.name }
    /// The name.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    /// The name.
    public var description: String { name }
}

extension CgroupFile {
    /// Reads a text of this file, newline and all; nil when it is not of the form, or the form is not known here.
    public func value(of text: String) -> (any StatusValue)? { content?.init(kernelText: text[...]) }

    /// Why a text must not be written to this file; nil when nothing is known against it.
    ///
    /// It is read as the file's value: what the kernel would read differently than it looks (octal and hexadecimal
    /// numbers, suffixes, an empty line as zero, less than a page as nothing) is refused, as is what the kernel itself
    /// refuses. Bytes are decimal digits or `max`. What depends on the moment (a device that is not there, a quota under
    /// its burst) only the kernel can tell.
    public func check(text: String) -> String? {
        guard isKnown else {
            return text.contains { !$0.isWhitespace } ? nil : "the kernel would read an empty line as zero"
        }
        guard let command else { return "\(name) is only read" }
        let line = text[...].withoutNewline
        if line.contains("\n") { return "\(name) takes one line" }
        if text.utf8.count > 4096 { return "the kernel takes at most 4096 bytes" }
        return command.refusal(ofText: line, in: self)
    }
}
