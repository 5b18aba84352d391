// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// The files that a runtime keeps of its pods, so that whoever comes after it finds them.
///
/// Of a pod `pods/UID/userns` is its range of ids (``PodIDStore``), `pods/UID/outcomes/CONTAINER/ATTEMPT` how an attempt
/// ended, `pods/UID/volumes/NAME` a volume that ends with it; `logs/NAMESPACE_NAME_UID/CONTAINER/ATTEMPT.log` is what an
/// attempt wrote. All are for root alone, since containers own files in here; none is reached through a link.
final class RuntimeFolder: Sendable {
    let path: String
    private let root: Descriptor

    init(_ path: String) throws(KernelError) {
        var made = FilePath("/")
        for component in FilePath(path).components {
            try Descriptor.open(made, [.path, .directory]).makeDirectory(component.string, mode: 0o750)
            made.append(component)
        }
        self.path = made.string
        let root = try Descriptor.open(made, [.path, .directory])
        for name in ["pods", "logs"] { try root.makeDirectory(name, mode: 0o750) }
        self.root = root
    }

    /// A name that is one: no path, and nothing that the kernel has a meaning for.
    private func checked(_ name: String) throws(KernelError) -> String {
        if name.isEmpty || name == "." || name == ".." || name.utf8.contains(0) || name.contains("/") {
            throw KernelError("openat2", name, in: path, errno: .invalidArgument, hint: "this is no name of a file")
        }
        return name
    }

    /// A folder below the root, made where it is missing.
    private func folder(_ names: [String]) throws(KernelError) -> Descriptor {
        var folder = try root.duplicate()
        for name in names {
            let name = try checked(name)
            try folder.makeDirectory(name, mode: 0o750)
            let next = try folder.open(name, [.path, .directory])
            folder = next
        }
        return folder
    }

    // MARK: - Outcomes

    /// An empty file for how an attempt ends.
    func newOutcome(_ uid: String, _ container: String, _ attempt: Int) throws(KernelError) -> SharedDescriptor {
        let folder = try folder(["pods", uid, "outcomes", container])
        for name in try folder.entries() where name != "\(attempt)" { try folder.removeFile(name) }
        return SharedDescriptor(
            try folder.open("\(attempt)", [.create, .truncate, .writing, .noFollow], mode: 0o640))
    }

    /// What is written of an attempt's end, open; nil when there is no such attempt.
    func outcome(_ uid: String, _ container: String, _ attempt: Int) throws(KernelError) -> Descriptor? {
        let name = "pods/\(try checked(uid))/outcomes/\(try checked(container))/\(attempt)"
        return try root.openIfPresent(name, .reading)
    }

    // MARK: - Logs

    /// The folder of a container's logs, as a path below the root.
    static func logFolder(of pod: Pod, _ container: String) -> [String] {
        ["logs", "\(pod.namespace)_\(pod.name)_\(pod.uid)", container]
    }

    /// A file for what an attempt writes. Of those before it only the last is kept.
    ///
    /// It belongs to who the container runs as: a program may open its standard streams once more by their names.
    func newLog(of pod: Pod, _ container: String, _ attempt: Int, owner: UInt32) throws(KernelError) -> SharedDescriptor {
        let folder = try folder(Self.logFolder(of: pod, container))
        for name in try folder.entries() {
            guard let other = LogName.attempt(name), other < attempt - 1 || other > attempt else { continue }
            try folder.removeFile(name)
        }
        let file = try folder.open(
            LogName.name(attempt), [.create, .writing, .append, .noFollow], mode: 0o640)
        try file.changeOwner(of: "", uid: owner, gid: 0)
        return SharedDescriptor(file)
    }

    // MARK: - Volumes

    /// The folder of a volume that ends with its pod, made where it is missing: anybody inside may write to it.
    func volume(
        _ uid: String, _ name: String, owner: UInt32, group: UInt32?, inMemory: Bool, limit: ByteCount?
    ) throws(KernelError) -> String {
        let folder = try folder(["pods", uid, "volumes"])
        let name = try checked(name)
        let place = "\(path)/pods/\(uid)/volumes/\(name)"
        // With a group, what is made inside belongs to it too.
        let mode: UInt32 = group == nil ? 0o777 : 0o2777
        if inMemory {
            try folder.makeDirectory(name, mode: 0o700)
            // Over a mount, no step is taken: it is there already.
            guard let empty = try? folder.open(name, [.path, .directory]) else { return place }
            var options: [(key: String, value: String?)] = [
                ("mode", String(mode, radix: 8)), ("uid", "\(owner)"), ("gid", "\(group ?? owner)"),
            ]
            if let limit { options.append(("size", "\(limit.bytes)")) }
            let memory = try MountCall.newFileSystem("tmpfs", options: options, attributes: [.noSetID, .noDevices])
            try MountCall.attach(memory, at: empty)
        } else if try folder.openIfPresent(name, [.path, .directory]) == nil {
            // It has its name when it is whole; what containers change of it later stays.
            let unfinished = ".new-\(name)"
            try folder.makeDirectory(unfinished, mode: 0o700)
            let volume = InodeHandle(try folder.open(unfinished, [.path, .directory]))
            try volume.changeOwner(uid: owner, gid: group ?? owner)
            try volume.changeMode(mode)
            try folder.rename(unfinished, to: name)
        }
        return place
    }

    // MARK: - The end of a pod

    /// Removes what ends with a pod. Its range of ids is the store's to take back, and its logs stay.
    func removeFiles(of uid: String) throws(KernelError) {
        guard let pod = try root.openIfPresent("pods/\(try checked(uid))", [.path, .directory]) else { return }
        if let volumes = try pod.openIfPresent("volumes", [.path, .directory]) {
            for name in try volumes.entries() {
                // What is mounted there is a step over a mount, which is refused.
                if (try? volumes.open(name, .path)) == nil {
                    try MountCall.unmount("\(path)/pods/\(uid)/volumes/\(name)", lazily: true)
                }
            }
        }
        try pod.removeTree("volumes")
        try pod.removeTree("outcomes")
        _ = consume pod
        do throws(KernelError) { try root.removeDirectory("pods/\(uid)") } catch {
            // Its range of ids is there yet.
            guard [.directoryNotEmpty, .noSuchFileOrDirectory].contains(error.errno) else { throw error }
        }
    }

    /// The pods of which there are files.
    func pods() throws(KernelError) -> [String] { try root.open("pods", [.path, .directory]).entries() }
}

/// The name of the log of an attempt.
enum LogName {
    static func name(_ attempt: Int) -> String { "\(attempt).log" }

    static func attempt(_ name: String) -> Int? { name.hasSuffix(".log") ? Int(name.dropLast(4)) : nil }
}
