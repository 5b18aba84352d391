// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Gives controllers to the children of this cgroup, and in the ancestors as far as needed, from the top down.
    ///
    /// One write for each level that lacks one, all controllers at once: enabled one by one past an EBUSY, a threaded
    /// controller would turn the cgroup into a threaded domain and its children into nothing usable. Processes in the
    /// way are named; `evacuate(toLeaf:)` moves them. The C name is `cgroup.subtree_control`. Since Linux 4.5.
    public borrowing func enable(_ controllers: Set<Controller>) throws(KernelError) {
        if controllers.isEmpty { return }
        let missing = try enableAtOnce(controllers)
        if missing.isEmpty { return }
        let command = command(for: missing)
        try refuseInternalProcesses(command)
        let absent = missing.subtracting(try required(.controllers))
        if !absent.isEmpty {
            guard let parent = try parent() else { throw try unavailable(absent) }
            try parent.enable(absent)
        }
        try write(command, to: .subtreeControl)
    }

    /// The same where processes may be in the way: they are moved to a child first, and it is made when it is missing.
    public borrowing func enable(
        _ controllers: Set<Controller>, evacuatingTo leaf: String
    ) throws(KernelError) -> [Int32] {
        do {
            try enable(controllers)
            return []
        } catch { guard error.errno == .resourceBusy else { throw error } }
        let moved = try evacuate(toLeaf: leaf)
        try enable(controllers)
        return moved
    }

    /// Reads what is enabled and writes what is not, through one descriptor: on a cgroup just made these are four calls,
    /// one more than a write alone. What is still missing; the reason is then to be found.
    private borrowing func enableAtOnce(_ controllers: Set<Controller>) throws(KernelError) -> Set<Controller> {
        let name = CgroupFile.subtreeControl.name
        let file: Descriptor
        do { file = try directory.open(name, .readingAndWriting) } catch {
            // Who may only read learns here whether there is anything to write.
            return controllers.subtracting(try required(.subtreeControl))
        }
        let enabled: Set<Controller>
        var buffer = [UInt8](repeating: 0, count: 512)
        do {
            let count = try file.readAgain(into: &buffer)
            let words = [Controller](kernelText: String(decoding: buffer[..<count], as: UTF8.self)[...])
            enabled = Set(words ?? [])
        } catch { throw gone(error.placed(in: location)) }
        let missing = controllers.subtracting(enabled)
        // With one controller among them that knows no threads, the kernel itself refuses the whole line when processes
        // are inside; then the write is the test. It is also the test of what the parent has given.
        guard missing.contains(where: \.needsDomain) else { return missing }
        do {
            try file.writeValue(command(for: missing), called: name, in: location)
            return []
        } catch {
            if error.errno == .noSuchDevice { throw gone(error) }
            return missing
        }
    }

    private borrowing func command(for controllers: Set<Controller>) -> String {
        controllers.sorted().map { "+\($0)" }.joined(separator: " ")
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
        let inside = try required(.processes)
        if inside.isEmpty { return }
        guard let type = try read(.cgroupType), type == .domain else { return }
        let shown = inside.prefix(8).map { $0 == 0 ? "outside the pid namespace" : String($0) }
        throw KernelError(
            "write", CgroupFile.subtreeControl.name,
            value: command, in: location, errno: .resourceBusy,
            hint: "processes are in the cgroup itself: \(shown.joined(separator: ", "))"
                + (inside.count > shown.count ? " and \(inside.count - shown.count) more" : ""))
    }
}
