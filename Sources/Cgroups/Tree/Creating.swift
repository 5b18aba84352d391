// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

extension Cgroup {
    /// Makes a cgroup below this one; an error when the name is taken.
    ///
    /// The controllers are enabled first, in this cgroup and in as many ancestors as need it, from the top down. What
    /// this host cannot give is refused before anything is made.
    public borrowing func createChild(
        _ name: String, enabling controllers: Set<Controller> = []
    ) throws(KernelError) -> Cgroup {
        guard let child = try makeChild(name, enabling: controllers) else {
            throw KernelError(
                "mkdirat", name, in: location, errno: .fileExists, hint: "another use of this name has not ended")
        }
        return child
    }

    /// The cgroup of this name below this one, made when it is missing.
    public borrowing func openOrCreateChild(
        _ name: String, enabling controllers: Set<Controller> = []
    ) throws(KernelError) -> Cgroup {
        if let made = try makeChild(name, enabling: controllers) { return made }
        return try openChild(name)
    }

    /// The cgroup at a place below this one, made with all parents that are missing; the controllers are enabled in
    /// every level above it, from the top down, so that it has them. When a step fails, what was made is removed again.
    public borrowing func createTree(
        _ path: CgroupPath, enabling controllers: Set<Controller> = []
    ) throws(KernelError) -> Cgroup {
        try createTree(path.components[...], controllers)
    }

    private borrowing func createTree(
        _ names: ArraySlice<String>, _ controllers: Set<Controller>
    ) throws(KernelError) -> Cgroup {
        guard let name = names.first else { return try duplicate() }
        let made = try makeChild(name, enabling: controllers)
        let isNew = made != nil
        do {
            switch consume made {
            case .some(let child): return try child.createTree(names.dropFirst(), controllers)
            case .none: return try openChild(name).createTree(names.dropFirst(), controllers)
            }
        } catch {
            // Empty and ours; where somebody else made a child in it meanwhile it stays (EBUSY).
            if isNew { try? directory.removeDirectory(name) }
            throw error
        }
    }

    /// Nil when the name is taken.
    private borrowing func makeChild(
        _ name: String, enabling controllers: Set<Controller>
    ) throws(KernelError) -> Cgroup? {
        if let hint = newNameFault(name) {
            throw KernelError("mkdirat", name, in: location, errno: .invalidArgument, hint: hint)
        }
        try enable(controllers)
        do { if try !directory.makeDirectory(name) { return nil } } catch {
            throw gone(error.placed(in: location)).hinting(makingHint(error.errno))
        }
        do { return try openChild(name) } catch {
            // Ours, and nobody else would remove it.
            try? directory.removeDirectory(name)
            throw error
        }
    }

    /// Which of the controllers cannot be had anywhere in this tree: the reason for each. Reads only.
    public borrowing func missingControllers(
        _ controllers: Set<Controller>
    ) throws(KernelError) -> [Controller: String] {
        let missing = controllers.subtracting(try required(.controllers))
        if missing.isEmpty { return [:] }
        if let parent = try parent() { return try parent.missingControllers(missing) }
        let host = CgroupHost.probe()
        return Dictionary(
            uniqueKeysWithValues: missing.map { controller in
                (controller, host.unavailability(of: controller.rawValue) ?? "not available in \(location)")
            })
    }

    /// The same for interface files: the controllers that they need.
    public borrowing func missingControllers(for files: [CgroupFile]) throws(KernelError) -> [Controller: String] {
        try missingControllers(Set(files.compactMap(\.controller)))
    }
}

/// What the kernel means by refusing a new cgroup.
func makingHint(_ errno: Errno) -> String? {
    switch errno {
    case .resourceTemporarilyUnavailable: "an ancestor's cgroup.max.descendants or cgroup.max.depth is reached"
    case .permissionDenied, .notPermitted: "the parent belongs to another user; it must be delegated to this one"
    case .readOnlyFileSystem: "the cgroup file system is mounted read-only"
    default: nil
    }
}
