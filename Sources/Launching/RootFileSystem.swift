// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// The steps that build a command's root, in order. The first makes the root itself.
public struct RootFileSystem: Hashable, Sendable {
    /// One step. Targets are paths inside, resolved beneath the new root however its links point.
    public enum Step: Hashable, Sendable {
        /// An ID-mapped (or plain) clone of a host directory as the root.
        case directory(source: String, ownership: HostVolume.Ownership)
        /// A new file system, with `fsconfig` options `key=value` or `key`.
        case new(type: String, target: String, options: [String] = [], attributes: MountAttributes = [])
        /// A part of the host's tree as it is.
        case bind(source: String, target: String, attributes: MountAttributes = [], kind: TargetKind = .directory)
        /// A detached mount by its descriptor (`open_tree`, `fsmount`), attached as it is. Such a plan starts once: the
        /// tree is then that command's.
        case tree(SharedDescriptor, target: String)
        /// A part of the new root, which becomes read-only.
        case readOnly(String)
        /// A symbolic link.
        case link(text: String, target: String)
        /// An empty directory.
        case makeDirectory(String)
        /// Changes the attributes of what is mounted at the target.
        case remount(target: String, attributes: MountAttributes)
        /// A step that may fail: the start goes on and reports it.
        indirect case optional(Step)
        /// The place in the order where the plan's volumes are attached.
        case volumes
    }

    /// What a missing target is made as.
    public enum TargetKind: Hashable, Sendable {
        /// A directory.
        case directory
        /// A file.
        case file
        /// Nothing: a missing target is an error.
        case existing
    }

    /// The steps in order.
    public var steps: [Step]

    /// A root from steps of one's own.
    public init(steps: [Step]) { self.steps = steps }

    /// A directory of the host as the root, with `/proc`, `/sys` and a minimal `/dev` in it.
    public static func directory(
        _ path: String, ownership: HostVolume.Ownership = .idmapped, ownNetwork: Bool = true
    ) -> RootFileSystem {
        RootFileSystem(
            steps: [.directory(source: path, ownership: ownership)] + kernelFileSystems(ownNetwork: ownNetwork)
                + [.optional(scratch("/tmp", mode: "1777")), scratch("/run", mode: "0755"), .volumes])
    }

    /// A read-only view of the host's file system, with empty `/tmp`, `/run` and `/root` of its own.
    ///
    /// Owners are not mapped: what only the host's root may read stays unreadable inside. The host's `/run`, where
    /// services have their sockets, is not part of the view.
    public static func hostView(ownNetwork: Bool = true) throws(KernelError) -> RootFileSystem {
        let host = try Descriptor.open("/", [.path, .directory])
        var steps: [Step] = [
            .new(type: "tmpfs", target: "/", options: ["mode=0755", "size=1m"], attributes: .noDevices)
        ]
        for name in try host.entries().sorted() where !replaced.contains(name) {
            // What vanishes while we look, or is neither directory nor link, is not part of the view.
            guard let status = try? host.status(of: name) else { continue }
            if status.isSymbolicLink, let text = try? linkText("/" + name) {
                steps.append(.link(text: text, target: "/" + name))
            } else if status.isDirectory {
                steps.append(
                    .bind(source: "/" + name, target: "/" + name, attributes: [.readOnly, .noSetID, .noDevices]))
            }
        }
        steps += kernelFileSystems(ownNetwork: ownNetwork)
        steps += [
            scratch("/tmp", mode: "1777"), scratch("/run", mode: "0755"), scratch("/root", mode: "0700"),
            .optional(scratch("/var/tmp", mode: "1777")),
        ]
        if !ownNetwork { steps += nameResolution() }
        steps += [
            .volumes, .remount(target: "/", attributes: [.readOnly, .noSetID, .noDevices]),
        ]
        return RootFileSystem(steps: steps)
    }

    /// With the host's network go its name servers: `/etc/resolv.conf` is often a link into `/run`.
    private static func nameResolution() -> [Step] {
        guard let file = try? Descriptor.open("/etc/resolv.conf", .path) else { return [] }
        let path = file.name
        guard path.hasPrefix("/run/") else { return [] }
        return [
            .optional(.bind(source: path, target: path, attributes: [.readOnly, .noSetID, .noDevices], kind: .file))
        ]
    }

    /// Names in the host's root that the view has of its own.
    private static let replaced: Set<String> = ["dev", "proc", "sys", "run", "tmp", "root", "lost+found"]

    private static func linkText(_ path: String) throws(KernelError) -> String {
        guard let text = readLink(path) else {
            throw KernelError("readlinkat", path, errno: .noSuchFileOrDirectory)
        }
        return text
    }

    private static func scratch(_ target: String, mode: String) -> Step {
        .new(type: "tmpfs", target: target, options: ["mode=\(mode)"], attributes: [.noSetID, .noDevices])
    }

    /// What keeps a command that has the host's root id among its own from ruling the host through `/proc` and `/sys`,
    /// whose files judge by id: read-only what sets things, hidden what tells too much, as container runtimes do
    /// (the OCI runtime's `readonlyPaths` and `maskedPaths`). Under a map without the host's id 0 none of it is needed.
    public mutating func guardHostRoot() {
        let hiddenFiles = ["kcore", "keys", "latency_stats", "timer_list", "sched_debug"].map { "/proc/\($0)" }
        let hiddenDirectories = ["/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/firmware"]
        let guards: [Step] =
            ["bus", "fs", "irq", "sys", "sysrq-trigger"].map { .optional(.readOnly("/proc/\($0)")) }
            + hiddenFiles.map {
                .optional(.bind(source: "/dev/null", target: $0, attributes: .readOnly, kind: .existing))
            }
            + hiddenDirectories.map {
                .optional(.new(type: "tmpfs", target: $0, options: ["size=0"], attributes: [.readOnly, .noExecution]))
            }
        let place = steps.firstIndex(of: .volumes) ?? steps.endIndex
        steps.insert(contentsOf: guards, at: place)
    }

    /// `/proc`, `/sys`, the command's own cgroup tree and a `/dev` of the harmless devices.
    ///
    /// With the caller's network the kernel refuses a new sysfs, and the caller's is shown read-only.
    static func kernelFileSystems(ownNetwork: Bool) -> [Step] {
        let quiet: MountAttributes = [.noSetID, .noDevices, .noExecution]
        let devices = ["null", "zero", "full", "random", "urandom", "tty"].map { name in
            Step.bind(source: "/dev/\(name)", target: "/dev/\(name)", kind: .file)
        }
        let sysfs: Step =
            ownNetwork
            ? .new(type: "sysfs", target: "/sys", attributes: quiet.union(.readOnly))
            : .bind(source: "/sys", target: "/sys", attributes: quiet.union(.readOnly))
        return [
            .new(type: "proc", target: "/proc", attributes: quiet),
            .optional(sysfs),
            .optional(.new(type: "cgroup2", target: "/sys/fs/cgroup", attributes: quiet.union(.readOnly))),
            .new(
                type: "tmpfs", target: "/dev", options: ["mode=0755", "size=64k"],
                attributes: [.noSetID, .noExecution]),
        ] + devices + [
            .new(
                type: "devpts", target: "/dev/pts", options: ["mode=0620", "ptmxmode=0666"],
                attributes: [.noSetID, .noExecution]),
            .link(text: "pts/ptmx", target: "/dev/ptmx"),
            .link(text: "/proc/self/fd", target: "/dev/fd"),
            .link(text: "fd/0", target: "/dev/stdin"),
            .link(text: "fd/1", target: "/dev/stdout"),
            .link(text: "fd/2", target: "/dev/stderr"),
            .new(type: "tmpfs", target: "/dev/shm", options: ["mode=1777"], attributes: quiet),
            .optional(.new(type: "mqueue", target: "/dev/mqueue", attributes: quiet)),
        ]
    }
}
