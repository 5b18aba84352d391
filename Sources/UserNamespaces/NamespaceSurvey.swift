// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// The namespaces of this host, as far as the caller may look: those of processes, those kept at a path, those held by a
/// descriptor, and the user namespaces that own or hold them. A moment's picture: processes come and go meanwhile.
public struct NamespaceSurvey: Sendable {
    /// One namespace.
    public struct Entry: Hashable, Sendable {
        /// Its kind.
        public var kind: NamespaceKind
        /// The number in `net:[4026531840]`.
        public var inode: UInt64
        /// How many processes are in it that the caller may look into.
        public var processes = 0
        /// The one of them with the lowest number.
        public var pid: Int32?
        /// That process's command line, or its name in brackets where it has none.
        public var command: String?
        /// The user that made it, or made the user namespace that owns it, as the caller sees that user; nil where that
        /// cannot be told.
        public var ownerUID: UInt32?
        /// The user namespace that owns it; nil for user namespaces, and where that is out of reach.
        public var owner: UInt64?
        /// The parent of a user or pid namespace; nil for the initial one, and where that is out of reach.
        public var parent: UInt64?
        /// The map of a user namespace, its outside as the caller's user namespace sees it; nil where it has none or it
        /// cannot be read.
        public var map: IDMap?
        /// Where it is kept (a bind mount of its file), as seen in the mount namespace it is kept in.
        public var paths: [String] = []
        /// The processes that hold a descriptor of it.
        public var holders: [Int32] = []

        /// A namespace of which nothing more is known.
        public init(kind: NamespaceKind, inode: UInt64) {
            self.kind = kind
            self.inode = inode
        }
    }

    /// The namespaces, by kind and number.
    public private(set) var entries: [Entry] = []
    /// Processes that the caller may not look into.
    public private(set) var unreadable = 0

    private struct Key: Hashable {
        var kind: NamespaceKind
        var inode: UInt64
    }
    private var byKey: [Key: Entry] = [:]

    /// Looks at all processes.
    public static func current() throws(KernelError) -> NamespaceSurvey {
        var survey = NamespaceSurvey()
        let processes = try Descriptor.open("/proc", [.reading, .directory])
        let pids = try processes.entries().compactMap { Int32($0) }.sorted()
        for pid in pids { survey.look(at: pid) }
        for entry in survey.byKey.values.filter({ $0.kind == .mount }) {
            if let pid = entry.pid { survey.findKept(seenBy: pid) }
        }
        survey.findKept(seenBy: nil)
        survey.relate()
        survey.entries = survey.byKey.values.sorted {
            ($0.kind.position, $0.inode) < ($1.kind.position, $1.inode)
        }
        survey.byKey = [:]
        return survey
    }

    /// The namespace of a kind and number.
    public subscript(kind: NamespaceKind, inode: UInt64) -> Entry? {
        entries.first { $0.kind == kind && $0.inode == inode }
    }

    /// What is known of a namespace, which may have been made since.
    public func entry(of namespace: borrowing Namespace) throws(KernelError) -> Entry {
        let inode = try namespace.id().inode
        if let known = self[namespace.kind, inode] { return known }
        var entry = Entry(kind: namespace.kind, inode: inode)
        entry.ownerUID = try namespace.ownerUID()
        if entry.kind == .user { entry.map = try namespace.idMap() }
        if entry.kind != .user { entry.owner = try namespace.owner()?.id().inode }
        entry.parent = try namespace.parent()?.id().inode
        return entry
    }
}

// MARK: - Looking

extension NamespaceSurvey {
    private mutating func look(at pid: Int32) {
        var isReadable = false
        for kind in NamespaceKind.allCases {
            guard let key = Self.key(readLink("/proc/\(pid)/ns/\(kind)")) else { continue }
            isReadable = true
            byKey[key, default: Entry(kind: kind, inode: key.inode)].add(pid)
        }
        if !isReadable {
            // One that has ended meanwhile is none that could not be read; a zombie has no namespaces any more.
            guard let state = Self.state(of: pid), state != "Z", state != "X" else { return }
            unreadable += 1
            return
        }
        guard let folder = try? Descriptor.open(FilePath("/proc/\(pid)/fd"), [.reading, .directory]),
            let numbers = try? folder.entries()
        else { return }
        for number in numbers {
            guard let key = Self.key(readLink("/proc/\(pid)/fd/\(number)")) else { continue }
            byKey[key, default: Entry(kind: key.kind, inode: key.inode)].addHolder(pid)
        }
    }

    /// What `net:[4026531840]` names.
    private static func key(_ link: String?) -> Key? {
        guard let link, link.hasSuffix("]"), let colon = link.firstIndex(of: ":"),
            let kind = NamespaceKind(rawValue: String(link[..<colon])),
            let inode = UInt64(link[colon...].dropFirst(2).dropLast())
        else { return nil }
        return Key(kind: kind, inode: inode)
    }

    /// The letter behind the name in `/proc/PID/stat`; nil when there is no such process any more.
    private static func state(of pid: Int32) -> Character? {
        guard let stat = try? readKernelFile(FilePath("/proc/\(pid)/stat")), let end = stat.lastIndex(of: ")") else {
            return nil
        }
        return stat[end...].dropFirst(2).first
    }

    /// Namespaces kept at paths of a process's mount namespace, or of the caller's.
    private mutating func findKept(seenBy pid: Int32?) {
        let place = pid.map { "\($0)" } ?? "self"
        guard let table = try? readKernelFile(FilePath("/proc/\(place)/mountinfo")) else { return }
        for line in MountLine.parse(table) where line.type == "nsfs" {
            guard let key = Self.key(line.root) else { continue }
            byKey[key, default: Entry(kind: key.kind, inode: key.inode)].add(path: line.point)
        }
    }

    /// Owners and parents, which may be namespaces that no process is in; maps and commands.
    private mutating func relate() {
        var pending = Array(byKey.keys)
        while let key = pending.popLast() {
            guard var entry = byKey[key] else { continue }
            entry.command = entry.pid.flatMap(Self.command)
            if let namespace = open(entry) {
                entry.ownerUID = (try? namespace.ownerUID()) ?? nil
                // A namespace further out has processes of its own, or is the caller's affair no more.
                if entry.kind != .user { entry.owner = note((try? namespace.owner()) ?? nil, &pending) }
                entry.parent = note((try? namespace.parent()) ?? nil, &pending)
                if entry.kind == .user, entry.pid == nil { entry.map = (try? namespace.idMap()) ?? nil }
            }
            if entry.kind == .user, let pid = entry.pid { entry.map = Self.map(of: pid) }
            byKey[key] = entry
        }
    }

    private mutating func note(
        _ namespace: consuming Namespace?, _ pending: inout [Key]
    ) -> UInt64? {
        guard let namespace, let inode = try? namespace.id().inode else { return nil }
        let key = Key(kind: namespace.kind, inode: inode)
        if byKey[key] == nil {
            var entry = Entry(kind: key.kind, inode: inode)
            // No process is in it, so this is the one chance to ask it.
            entry.ownerUID = (try? namespace.ownerUID()) ?? nil
            if key.kind == .user { entry.map = (try? namespace.idMap()) ?? nil }
            byKey[key] = entry
            if let parent = (try? namespace.parent()) ?? nil {
                let outer = note(parent, &pending)
                byKey[key]?.parent = outer
            }
        }
        return inode
    }

    /// Opens a namespace by one of the ways it is known.
    private func open(_ entry: Entry) -> Namespace? {
        if let pid = entry.pid, let found = try? Namespace(entry.kind, of: pid) { return found }
        let name = "\(entry.kind):[\(entry.inode)]"
        for holder in entry.holders {
            guard let folder = try? Descriptor.open(FilePath("/proc/\(holder)/fd"), [.reading, .directory]),
                let numbers = try? folder.entries()
            else { continue }
            for number in numbers where readLink("/proc/\(holder)/fd/\(number)") == name {
                if let found = try? Namespace(at: FilePath("/proc/\(holder)/fd/\(number)")) { return found }
            }
        }
        for path in entry.paths {
            // The path may be another mount namespace's: what is opened must be what was looked for.
            guard let found = try? Namespace(at: FilePath(path)), let id = try? found.id(), id.inode == entry.inode
            else { continue }
            return found
        }
        return nil
    }

    private static func map(of pid: Int32) -> IDMap? {
        guard let uid = try? readKernelFile(FilePath("/proc/\(pid)/uid_map")),
            let gid = try? readKernelFile(FilePath("/proc/\(pid)/gid_map"))
        else { return nil }
        return try? IDMap(kernelUID: uid, gid: gid)
    }

    private static func command(_ pid: Int32) -> String? {
        if let words = try? readKernelFile(FilePath("/proc/\(pid)/cmdline")) {
            let text = words.split(separator: "\0").joined(separator: " ")
            if !text.isEmpty { return text }
        }
        return (try? readKernelFile(FilePath("/proc/\(pid)/comm"))).map { "[\($0)]" }
    }
}

extension NamespaceSurvey.Entry {
    fileprivate mutating func add(_ process: Int32) {
        processes += 1
        if pid == nil { pid = process }
    }

    fileprivate mutating func add(path: String) { if !paths.contains(path) { paths.append(path) } }
    fileprivate mutating func addHolder(_ process: Int32) { if holders.last != process { holders.append(process) } }
}

extension NamespaceKind {
    /// Its place in a list: what owns the others comes first.
    fileprivate var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
