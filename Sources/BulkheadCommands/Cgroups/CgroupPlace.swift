// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// The cgroup that a command is about, and the tree it is in.
struct CgroupPlace {
    /// How this host has its cgroups.
    let host: CgroupHost
    /// Where the version 2 tree is mounted.
    let root: FilePath
    /// The place below it.
    let path: CgroupPath

    /// Finds out what an argument names: `/kubepods/pod1` below the root of version 2, the same below its mount point,
    /// `pid:123` for the cgroup of a process, `self` for the caller's own.
    init(_ text: String, host: CgroupHost = CgroupHost.probe()) throws {
        guard let root = host.root else {
            throw ToolFailure(.impossible, "there is no cgroup v2 tree here: \(host.absence ?? "not mounted")")
        }
        self.host = host
        self.root = root
        if text == "self" {
            path = try Self.below(root, try Cgroup.current().path)
        } else if text.hasPrefix("pid:") {
            guard let pid = Int32(text.dropFirst(4)), pid > 0, !text.contains("+") else {
                throw ToolFailure(.usage, "'\(text.printable)' names no process: pid: is followed by its number")
            }
            do { path = try Self.below(root, try Cgroup.of(process: pid).path) } catch let error as KernelError {
                guard error.errno == .noSuchFileOrDirectory, error.call == "openat2" else { throw error }
                throw ToolFailure(.failed, "there is no process \(pid)")
            }
        } else {
            path = try Self.parsed(text, root: root)
        }
    }

    private static func parsed(_ text: String, root: FilePath) throws -> CgroupPath {
        var text = text
        while text.utf8.count > 1, text.utf8.last == UInt8(ascii: "/") { text.removeLast() }
        let point = root.string
        do {
            if text == point { return .root }
            if text.hasPrefix(point + "/") { return try CgroupPath(parsing: String(text.dropFirst(point.count))) }
            if text.hasPrefix("/sys/fs/cgroup/") || text == "/sys/fs/cgroup" {
                throw ToolFailure(
                    .usage,
                    "'\(text.printable)' is not in the cgroup v2 tree, which is mounted at \(point) on this host")
            }
            return try CgroupPath(parsing: text)
        } catch let error as CgroupPathError {
            throw ToolFailure(
                .usage,
                "'\(text.printable)': \(error); CGROUP is a path from the cgroup v2 root such as /kubepods, "
                    + "pid:NUMBER or self")
        }
    }

    private static func below(_ root: FilePath, _ path: FilePath) throws -> CgroupPath {
        guard let inner = path.string == root.string ? "/" : path.string.below(root.string) else {
            throw ToolFailure(
                .failed, "\(path.string.printable) is not below \(root.string), where cgroup v2 is mounted")
        }
        return try CgroupPath(parsing: inner)
    }

    /// The root of the tree.
    func openRoot() throws -> Cgroup { try Cgroup.open(root) }

    /// The cgroup itself; where it is missing, the nearest that is there is named.
    func open() throws -> Cgroup { try open(path) }

    /// Another cgroup of the same tree.
    func open(_ path: CgroupPath) throws -> Cgroup {
        let root = try openRoot()
        do { return try root.open(path) } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            var nearest = path
            while let parent = nearest.parent {
                nearest = parent
                if (try? root.open(parent)) != nil { break }
            }
            throw ToolFailure(
                .failed, "there is no cgroup \(path.text); the nearest above that exists is \(nearest.text)")
        }
    }

    /// Refuses what needs a controller that version 2 does not have here.
    func require(_ controller: Controller, to what: String) throws {
        guard let reason = host.unavailability(of: controller.rawValue) else { return }
        let remedy = host.unavailable.first { $0.controller == controller.rawValue }?.remedy
        throw ToolFailure(
            .impossible,
            "\(what) needs the \(controller) controller on cgroup v2, and it is \(reason)"
                + (remedy.map { "; \($0)" } ?? ""))
    }

    /// Whether this process is in the cgroup or below it.
    var holdsCaller: Bool {
        guard let own = host.ownPath, let place = try? Self.below(root, own) else { return false }
        return path.contains(place)
    }
}

extension String {
    /// What follows a directory in this path, with its slash.
    fileprivate func below(_ directory: String) -> String? {
        if directory == "/" { return self }
        return hasPrefix(directory + "/") ? String(dropFirst(directory.count)) : nil
    }
}

extension CgroupPath {
    /// For people: names come from others.
    var text: String { description.printable }
}

/// What the shell offers for CGROUP and FILE.
enum CgroupCompletion {
    /// Cgroups below what is typed so far.
    static let places = CompletionKind.custom { _, _, prefix in candidates(for: prefix) }

    /// The files of the cgroup that is named before that can be read or, for `set`, given a value.
    static func files(forSet: Bool = false) -> CompletionKind {
        .custom { words, _, _ in
            // The words behind `cgroup get`; the first that is no option is the cgroup.
            let named = words.drop { $0 != "get" && $0 != "set" }.dropFirst().first { !$0.hasPrefix("-") }
            guard let named else { return [] }
            return files(of: try? CgroupPlace(named).open().fileNames(), forSet: forSet)
        }
    }

    /// Of a cgroup's files, or of all that are known where there is no cgroup to look at, those that make sense.
    static func files(of names: [String]?, forSet: Bool) -> [String] {
        (names ?? CgroupFile.known.map(\.name).sorted()).filter { name in
            let file = CgroupFile(named: name)
            if !forSet { return file.access != .write }
            return file.access != .read && CgroupAssignment.refusal(name) == nil
        }.map { forSet ? $0 + "=" : $0 }
    }

    static func candidates(for prefix: String) -> [String] {
        let names = ["self", "pid:"].filter { !prefix.isEmpty && $0.hasPrefix(prefix) }
        let host = CgroupHost.probe()
        guard let root = host.root else { return names }
        let typed = prefix.hasPrefix("/") ? prefix : "/" + prefix
        let folder = String(typed.prefix(through: typed.lastIndex(of: "/") ?? typed.startIndex))
        guard let place = try? CgroupPlace(folder, host: host), let cgroup = try? Cgroup.open(root).open(place.path),
            let children = try? cgroup.children()
        else { return names }
        return names + children.sorted().map { folder + $0 }.filter { $0.hasPrefix(typed) }
    }
}

extension Cgroup {
    /// The names of its interface files, in alphabetical order.
    borrowing func fileNames() throws(KernelError) -> [String] {
        let folders = Set(try children())
        return try directory.entries().filter { !folders.contains($0) }.sorted()
    }
}

/// A time on the command line: seconds, with a fraction or not.
struct Seconds: ExpressibleByArgument, Hashable, Sendable {
    let duration: Duration

    init?(argument: String) {
        // Double would also take "inf", "nan" and "0x10".
        guard argument.allSatisfy({ "0123456789.".contains($0) }), let value = Double(argument), value <= 1e9 else {
            return nil
        }
        duration = .milliseconds(Int64((value * 1000).rounded(.up)))
    }

    init(_ duration: Duration) { self.duration = duration }

    var defaultValueDescription: String { "\(Double(duration.components.seconds))" }
}

extension Seconds: CustomStringConvertible {
    var description: String {
        let (seconds, attoseconds) = duration.components
        return attoseconds == 0 ? "\(seconds)" : "\(Double(seconds) + Double(attoseconds) / 1e18)"
    }
}

extension ByteCount {
    /// Short, for people: `1.5Gi`, `max`.
    var short: String {
        if self == .max { return "max" }
        var unit = 0
        var divisor: UInt64 = 1
        while unit < 6, bytes / divisor >= 1024 {
            divisor *= 1024
            unit += 1
        }
        let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][unit]
        let whole = bytes / divisor
        let tenths = (bytes % divisor) / (divisor / 1024 > 0 ? divisor / 1024 : 1) * 10 / 1024
        return whole < 100 && tenths > 0 ? "\(whole).\(tenths)\(suffix)" : "\(whole)\(suffix)"
    }

    /// A number, or null for no limit.
    var limitJSON: JSON { self == .max ? .null : .integer(bytes) }
    /// A number, or the kernel's word `max`.
    var json: JSON { self == .max ? "max" : .integer(bytes) }
}
