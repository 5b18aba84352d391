// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
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
        return try openChild(name)
    }

    /// Gives controllers to the children of this cgroup, and in the ancestors as far as needed, from the top down.
    ///
    /// One write for each level that lacks one, all controllers at once: enabled one by one past an EBUSY, a threaded
    /// controller would turn the cgroup into a threaded domain and its children into nothing usable.
    public borrowing func enable(_ controllers: Set<Controller>) throws(KernelError) {
        if controllers.isEmpty { return }
        let missing = controllers.subtracting(try required(.subtreeControl))
        if missing.isEmpty { return }
        let command = missing.sorted().map { "+\($0)" }.joined(separator: " ")
        // With one controller among them that knows no threads, the kernel itself refuses the whole line when processes
        // are inside; then the write is the test. It is also the test of what the parent has given.
        if missing.contains(where: \.needsDomain) {
            do {
                try write(command, to: .subtreeControl)
                return
            } catch {
                if error.errno == .resourceBusy { try refuseInternalProcesses(command) }
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
        }
        try refuseInternalProcesses(command)
        let absent = missing.subtracting(try required(.controllers))
        if !absent.isEmpty {
            guard let parent = try parent() else { throw try unavailable(absent) }
            try parent.enable(absent)
        }
        try write(command, to: .subtreeControl)
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

    private borrowing func unavailable(_ controllers: Set<Controller>) throws(KernelError) -> KernelError {
        let reasons = try missingControllers(controllers)
        let names = controllers.sorted()
        return KernelError(
            "write", CgroupFile.subtreeControl.name, value: names.map { "+\($0)" }.joined(separator: " "),
            in: location, errno: .noSuchFileOrDirectory,
            hint: names.map { "the \($0) controller is \(reasons[$0] ?? "not available")" }.joined(separator: "; "))
    }

    /// Below the root a cgroup has either processes or children with controllers. The kernel answers EBUSY, or for
    /// threaded controllers turns the cgroup into a threaded domain without a word; so look first, and name who is in
    /// the way.
    private borrowing func refuseInternalProcesses(_ command: String) throws(KernelError) {
        guard let type = try read(.cgroupType), type == .domain else { return }
        let inside = try required(.processes)
        if inside.isEmpty { return }
        let shown = inside.prefix(8).map { $0 == 0 ? "outside the pid namespace" : String($0) }
        throw KernelError(
            "write", CgroupFile.subtreeControl.name,
            value: command, in: location, errno: .resourceBusy,
            hint: "processes are in the cgroup itself: \(shown.joined(separator: ", "))"
                + (inside.count > shown.count ? " and \(inside.count - shown.count) more" : ""))
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
