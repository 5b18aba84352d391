// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// One cgroup of the unified hierarchy, by a descriptor of its directory.
///
/// The handle stays with the cgroup it was opened on: when that is removed and another made under its name, every use
/// answers that it is gone. All files and children are opened beneath the descriptor; no path is joined and looked up
/// again.
public struct Cgroup: ~Copyable, Sendable {
    /// The directory, opened with `O_PATH`: good for `CLONE_INTO_CGROUP` (since Linux 5.7) and for opening what is
    /// beneath.
    public let directory: Descriptor
    /// Where it was opened, for messages.
    let location: String

    /// Takes a directory without a look at its file system: for children of a cgroup, and for tests.
    init(unchecked directory: consuming Descriptor, location: String) {
        self.directory = directory
        self.location = location
    }

    /// Where it was opened, for messages.
    public var path: FilePath { FilePath(location) }

    /// Opens a directory of a mounted cgroup2 file system.
    public static func open(_ path: FilePath) throws(KernelError) -> Cgroup {
        let directory = try Descriptor.open(path, [.path, .directory])
        let kind = try directory.fileSystem()
        guard kind == .cgroup2 else {
            throw KernelError(
                "fstatfs", path.string, errno: .notSupported,
                hint: kind == .cgroup1 ? "this is a cgroup v1 hierarchy" : "this is \(kind), not cgroup2")
        }
        return Cgroup(unchecked: directory, location: path.string)
    }

    /// A second handle of the same cgroup.
    public borrowing func duplicate() throws(KernelError) -> Cgroup {
        Cgroup(unchecked: try directory.duplicate(), location: location)
    }

    /// Opens a cgroup below this one, by its name or by a path of names.
    public borrowing func openChild(_ name: String) throws(KernelError) -> Cgroup {
        try checkPath(name)
        do {
            return Cgroup(unchecked: try directory.open(name, [.path, .directory]), location: locationOf(name))
        } catch { throw gone(error.placed(in: location)) }
    }

    /// Opens the cgroup at a place below this one; at no place, this one again.
    public borrowing func open(_ path: CgroupPath) throws(KernelError) -> Cgroup {
        path.isRoot ? try duplicate() : try openChild(path.components.joined(separator: "/"))
    }

    /// The cgroup of this name, or nil when there is none. An error when this one is gone.
    public borrowing func child(_ name: String) throws(KernelError) -> Cgroup? {
        do { return try openChild(name) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// The names of the cgroups directly below.
    public borrowing func children() throws(KernelError) -> [String] {
        do { return try directory.directories() } catch { throw gone(error) }
    }

    /// The parent; nil when this cgroup is the root of what is mounted here.
    public borrowing func parent() throws(KernelError) -> Cgroup? {
        do {
            let above = try directory.open(
                "..", [.path, .directory], resolve: [.noMountCrossing, .noSymbolicLinks, .noMagicLinks])
            return Cgroup(unchecked: above, location: FilePath(location).removingLastComponent().string)
        } catch {
            // EXDEV: the step up leaves the mount.
            if error.errno == .improperLink { return nil }
            throw gone(error.placed(in: location))
        }
    }

    /// Whether it was removed. The kernel keeps the directory of a removed cgroup for those who hold it, empty.
    public borrowing func isGone() -> Bool {
        do {
            _ = try directory.open("cgroup.procs", .path)
            return false
        } catch { return error.errno == .noSuchFileOrDirectory || error.errno == .noSuchDevice }
    }

    borrowing func locationOf(_ child: String) -> String {
        location.hasSuffix("/") ? location + child : location + "/" + child
    }

    private borrowing func checkPath(_ path: String) throws(KernelError) {
        // Mostly it is one name, and then there is nothing to take apart.
        if nameFault(path) == nil { return }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            if let hint = nameFault(String(part)) {
                throw KernelError("openat2", path, in: location, errno: .invalidArgument, hint: hint)
            }
        }
    }
}

/// Why a text cannot name a cgroup, or nil.
///
/// cgroupfs itself takes names of any length and of any bytes but newline and slash.
func nameFault(_ name: String) -> String? {
    if name.isEmpty { return "a cgroup's name is not empty" }
    if name == "." || name == ".." { return "a cgroup is named, not reached by '\(name)'" }
    if name.utf8.count > 255 { return "a name has at most 255 bytes" }
    if name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "/") }) {
        return "a name holds no slash, newline or NUL"
    }
    return nil
}

/// The same for a cgroup that is to be made: a directory called `memory.max` would keep the kernel from ever enabling
/// the memory controller there (EEXIST).
func newNameFault(_ name: String) -> String? {
    if let fault = nameFault(name) { return fault }
    if let taken = reservedPrefixes.first(where: { name.hasPrefix($0) }) {
        return "names that begin with '\(taken)' belong to interface files"
    }
    return nil
}

private let reservedPrefixes = (["cgroup", "irq"] + Controller.known.map(\.rawValue)).map { $0 + "." }

extension KernelError {
    /// The same failure, said of a cgroup by its path.
    func placed(in place: String, value: String? = nil) -> KernelError {
        var copy = self
        copy.place = place
        copy.value = value ?? copy.value
        return copy
    }

    /// Whether the cgroup that was acted on has been removed meanwhile.
    ///
    /// The kernel says ENODEV to a read or write of a file that is still open and ENOENT to an open; here it is always
    /// ENODEV, so that ENOENT is left to mean a missing file of a living cgroup. The files that name devices say ENODEV
    /// of those too: there it is the cgroup only where the hint says so.
    public var meansCgroupIsGone: Bool {
        errno == .noSuchDevice && (hint == "the cgroup is gone" || !CgroupFile(named: subject).namesDevices)
    }
}

extension Cgroup {
    /// Turns the kernel's two words for a removed cgroup into one.
    borrowing func gone(_ error: KernelError) -> KernelError {
        var error = error
        if error.errno == .noSuchFileOrDirectory, isGone() { error.errno = .noSuchDevice }
        return error.errno == .noSuchDevice ? error.placed(in: location).hinting("the cgroup is gone") : error
    }
}

extension Errno {
    /// What the kernel says of a removed cgroup. The C name is `ENODEV`.
    static var noSuchDevice: Errno { .operationNotSupportedByDevice }
}
