// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import Synchronization
internal import SystemPackage

/// The files that a runtime keeps of its pods, so that whoever comes after it finds them.
///
/// Of a pod `pods/UID/userns` is its range of ids (``PodIDStore``), `pods/UID/outcomes/CONTAINER/ATTEMPT` how an attempt
/// ended, `pods/UID/volumes/NAME` a volume that ends with it; `logs/NAMESPACE_NAME_UID/CONTAINER/ATTEMPT.log` is what an
/// attempt wrote, and `ATTEMPT.times` when. All are for root alone, since containers own files in here; none is reached through a link.
final class RuntimeFolder: Sendable {
    let path: String
    /// The sizes of logs at the last look.
    let lastSizes = Mutex<[WatchedLog: UInt64]>([:])
    let root: Descriptor

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
    func checked(_ name: String) throws(KernelError) -> String {
        if name.isEmpty || name == "." || name == ".." || name.utf8.contains(0) || name.contains("/") {
            throw KernelError("openat2", name, in: path, errno: .invalidArgument, hint: "this is no name of a file")
        }
        return name
    }

    /// A folder below the root, made where it is missing.
    func folder(_ names: [String]) throws(KernelError) -> Descriptor {
        var folder = try root.duplicate()
        for name in names {
            let name = try checked(name)
            try folder.makeDirectory(name, mode: 0o750)
            let next = try folder.open(name, [.path, .directory])
            folder = next
        }
        return folder
    }

    // MARK: - Pods

    /// Whether a pod is one that was made with this folder.
    func has(_ uid: String) throws(KernelError) -> Bool {
        switch try root.openIfPresent("pods/\(try checked(uid))", [.path, .directory]) {
        case .some: true
        case .none: false
        }
    }

    /// From now on a pod is.
    func claim(_ uid: String) throws(KernelError) { _ = try folder(["pods", uid]) }

    // MARK: - Outcomes

    /// An empty file for how an attempt ends.
    func newOutcome(_ uid: String, _ container: String, _ attempt: Int) throws(KernelError) -> SharedDescriptor {
        let folder = try folder(["pods", uid, "outcomes", container])
        for name in try folder.entries() where name != "\(attempt)" { try folder.removeFile(name) }
        return SharedDescriptor(
            try folder.open("\(attempt)", [.create, .truncate, .writing, .noFollow], mode: 0o640))
    }

    /// Forgets an attempt that did not begin.
    func removeOutcome(_ uid: String, _ container: String, _ attempt: Int) throws(KernelError) {
        try folder(["pods", uid, "outcomes", container]).removeFile("\(attempt)")
    }

    /// What is written of an attempt's end, open; nil when there is no such attempt.
    func outcome(_ uid: String, _ container: String, _ attempt: Int) throws(KernelError) -> Descriptor? {
        let name = "pods/\(try checked(uid))/outcomes/\(try checked(container))/\(attempt)"
        return try root.openIfPresent(name, .reading)
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

    /// Removes a pod's logs.
    func removeLogs(of uid: String) throws(KernelError) {
        let logs = try root.open("logs", [.path, .directory])
        for name in try logs.entries() where name.hasSuffix("_\(uid)") { try logs.removeTree(name) }
    }

    /// Removes what ends with a pod but its logs. Its range of ids is the store's to take back.
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
