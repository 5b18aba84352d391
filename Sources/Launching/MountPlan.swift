// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import UserNamespaces

/// The root's steps and the volumes as the child performs them. Trees that take privilege are made here, by the caller.
@safe struct MountPlan: ~Copyable {
    /// What is told when the child fails at an entry.
    private(set) var descriptions: [(call: String, subject: String, place: String?)] = []
    private(set) var entries: [bk_launch_mount] = unsafe []
    private var trees = DescriptorList()
    private let mapping: UserNamespace?
    private let canSetAttributes = MountCall.canSetAttributes

    private init(mapping: consuming UserNamespace?) { self.mapping = mapping }

    /// Makes the detached trees of a plan: with a user namespace, ID-mapped ones carry its map.
    static func make(_ launch: Launch, memory: inout PlanMemory) throws(KernelError) -> MountPlan {
        let steps = launch.root?.steps ?? []
        let wantsMap =
            launch.volumes.contains { $0.ownership == .idmapped } || steps.contains { $0.isMappedDirectory }
        var plan = MountPlan(mapping: try wantsMap ? namespace(launch.user) : nil)
        for step in steps {
            if step == .volumes {
                for volume in launch.volumes { try plan.add(volume, &memory) }
            } else {
                try plan.add(step, flags: 0, &memory)
            }
        }
        return plan
    }

    private static func namespace(_ map: IDMap?) throws(KernelError) -> UserNamespace? {
        guard let map else { return nil }
        return try UserNamespace(mapping: map)
    }

    private mutating func add(
        _ step: RootFileSystem.Step, flags: UInt32, _ memory: inout PlanMemory
    ) throws(KernelError) {
        switch step {
        case .optional(let step):
            try add(step, flags: flags | BK_MOUNT_OPTIONAL.rawValue, &memory)
        case .volumes:
            break
        case .directory(let source, let ownership):
            try addTree(of: source, at: "/", ownership, [.noSetID, .noDevices], flags: flags, &memory)
        case .new(let type, let target, let options, let attributes):
            append(
                BK_MOUNT_NEW, flags | BK_MOUNT_MAKE_DIRECTORY.rawValue, source: type, target: target, attributes,
                options: options, called: ("mount \(type)", target, nil), &memory)
        case .bind(let source, let target, let attributes, let kind):
            let make: UInt32 =
                switch kind {
                case .directory: BK_MOUNT_MAKE_DIRECTORY.rawValue
                case .file: BK_MOUNT_MAKE_FILE.rawValue
                case .existing: 0
                }
            addBind(of: source, at: target, attributes, flags: flags | make, &memory)
        case .tree(let tree, let target):
            // Held by the plan's own value as long as the start takes.
            let make = target == "/" ? 0 : BK_MOUNT_MAKE_DIRECTORY.rawValue
            append(
                BK_MOUNT_TREE, flags | make, tree: tree.descriptor.number, source: nil, target: target, [],
                called: ("attach", tree.name, target), &memory)
        case .readOnly(let target):
            append(
                BK_MOUNT_BIND, flags | BK_MOUNT_RECURSIVE.rawValue, source: nil, target: target,
                canSetAttributes ? .readOnly : [], called: ("bind", target, nil), &memory)
            if canSetAttributes { return }
            append(
                BK_MOUNT_REMOUNT, flags, source: nil, target: target, [.readOnly, .noSetID, .noDevices, .noExecution],
                called: ("remount", target, nil), &memory)
        case .link(let text, let target):
            append(
                BK_MOUNT_LINK, flags, source: text, target: target, [], called: ("symlinkat", target, text), &memory)
        case .makeDirectory(let target):
            append(
                BK_MOUNT_DIRECTORY, flags, source: nil, target: target, [], called: ("mkdirat", target, nil), &memory)
        case .remount(let target, let attributes):
            append(
                BK_MOUNT_REMOUNT, flags, source: nil, target: target, attributes, called: ("remount", target, nil),
                &memory)
        }
    }

    private mutating func add(_ volume: HostVolume, _ memory: inout PlanMemory) throws(KernelError) {
        let status = try Descriptor.open(FilePath(volume.source), .path).status()
        let make = status.isDirectory ? BK_MOUNT_MAKE_DIRECTORY.rawValue : BK_MOUNT_MAKE_FILE.rawValue
        try addTree(
            of: volume.source, at: volume.target, volume.ownership, volume.attributes, flags: make, &memory)
    }

    private mutating func addTree(
        of source: String, at target: String, _ ownership: HostVolume.Ownership, _ attributes: MountAttributes,
        flags: UInt32, _ memory: inout PlanMemory
    ) throws(KernelError) {
        let path = FilePath(source)
        let tree: DetachedMount
        if ownership == .idmapped, mapping != nil {
            tree = try mappedTree(of: path, attributes)
        } else {
            do {
                tree = try DetachedMount(cloning: path, recursive: true).setting(attributes)
            } catch {
                // Without privilege in the caller's mount namespace, the child clones: it has it in its own.
                guard error.errno == .notPermitted || error.errno == .noFunction else { throw error }
                addBind(of: source, at: target, attributes, flags: flags, &memory)
                return
            }
        }
        append(
            BK_MOUNT_TREE, flags, tree: trees.append(try tree.takeVerifiedTree()), source: source, target: target, [],
            called: ("attach volume \(source)", target, nil), &memory)
    }

    /// The child clones a part of the caller's tree. Before Linux 5.12 it cannot set the attributes of the whole of it,
    /// so each mount in it is remounted, with what it has already: the kernel locks that.
    private mutating func addBind(
        of source: String, at target: String, _ attributes: MountAttributes, flags: UInt32, _ memory: inout PlanMemory
    ) {
        let inOneCall = attributes.isEmpty || canSetAttributes
        append(
            BK_MOUNT_BIND, flags | BK_MOUNT_RECURSIVE.rawValue, source: source, target: target,
            inOneCall ? attributes : [], called: ("bind \(source)", target, nil), &memory)
        if inOneCall { return }
        var beneath = attributesOfMounts(beneath: source)
        if beneath.first?.path != source { beneath.insert((source, []), at: 0) }
        for mount in beneath {
            let place = target + mount.path.dropFirst(source.utf8.count)
            append(
                BK_MOUNT_REMOUNT, flags & BK_MOUNT_OPTIONAL.rawValue, source: nil, target: place,
                attributes.union(mount.attributes), called: ("remount", place, nil), &memory)
        }
    }

    private borrowing func mappedTree(
        of path: FilePath, _ attributes: MountAttributes
    ) throws(KernelError) -> DetachedMount {
        switch mapping {
        case .some(let namespace):
            return try DetachedMount(cloning: path, recursive: true, mappedBy: namespace, attributes: attributes)
        case .none:
            return try DetachedMount(cloning: path, recursive: true).setting(attributes)
        }
    }

    private mutating func append(
        _ kind: bk_mount_kind, _ flags: UInt32, tree: CInt = -1, source: String?, target: String,
        _ attributes: MountAttributes, options: [String] = [],
        called description: (call: String, subject: String, place: String?), _ memory: inout PlanMemory
    ) {
        descriptions.append(description)
        unsafe entries.append(
            bk_launch_mount(
                kind: kind.rawValue, flags: flags, tree: tree, attributes: attributes.rawValue,
                source: source.map { unsafe memory.string($0) }, target: memory.string(target),
                options: options.isEmpty ? nil : memory.list(options)))
    }

    /// What failed, in words, with the usual cause.
    borrowing func failure(at index: Int, _ errno: Errno) -> KernelError {
        guard descriptions.indices.contains(index) else { return KernelError("mount", "entry \(index)", errno: errno) }
        let (call, subject, place) = descriptions[index]
        let hint: String? =
            switch errno {
            case .readOnlyFileSystem: "\(subject) does not exist in the read-only root, and cannot be made there"
            case .notPermitted where call.hasPrefix("mount proc") || call.hasPrefix("mount sysfs"):
                "the kernel allows a new one only where the caller's own is fully visible: not under another container's masks"
            case .noDevice where call.hasPrefix("mount"): "the kernel has no such file system"
            case .noFunction: "mount_setattr came with Linux 5.12, or a seccomp filter hides it"
            default: nil
            }
        return KernelError(call, subject, value: place, errno: errno, hint: hint)
    }
}

extension RootFileSystem.Step {
    /// Whether the step clones a directory with the plan's ID map.
    var isMappedDirectory: Bool {
        if case .directory(_, .idmapped) = self { true } else { false }
    }
}
