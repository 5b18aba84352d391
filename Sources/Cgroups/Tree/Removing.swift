// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Removes the cgroup of this name and all below it, the deepest first; processes are not killed but waited for,
    /// as long as the time allows. One call when it is an empty leaf. What is gone already is no error.
    public borrowing func removeChild(_ name: String, timeout: Duration = .zero) throws(KernelError) {
        if let hint = nameFault(name) {
            throw KernelError("unlinkat AT_REMOVEDIR", name, in: location, errno: .invalidArgument, hint: hint)
        }
        try removeTree(name, Deadline(after: timeout))
    }

    /// Removes this cgroup and all below it, as `removeChild` of its parent does.
    public consuming func remove(timeout: Duration = .zero) throws(KernelError) {
        guard let parent = try parentUnlessGone() else { return }
        let name = FilePath(location).lastComponent?.string ?? ""
        // The name may by now belong to another cgroup: the inode's number is the cgroup's identity.
        let own = try directory.status().inode
        do {
            if try parent.directory.status(of: name).inode != own { return }
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            throw error
        }
        try parent.removeChild(name, timeout: timeout)
    }

    private borrowing func parentUnlessGone() throws(KernelError) -> Cgroup? {
        do {
            if let parent = try parent() { return parent }
        } catch {
            if error.meansCgroupIsGone { return nil }
            throw error
        }
        throw KernelError(
            "unlinkat AT_REMOVEDIR", location, errno: .resourceBusy, hint: "the root of a mount cannot be removed")
    }

    private borrowing func removeTree(_ name: String, _ deadline: Deadline) throws(KernelError) {
        // An empty cgroup that is still busy has a child that somebody made just now; that ends after a few turns.
        var turns = 16
        while true {
            do {
                try directory.removeDirectory(name)
                return
            } catch {
                if error.errno == .noSuchFileOrDirectory || error.errno == .noSuchDevice { return }
                turns -= 1
                guard error.errno == .resourceBusy, turns > 0 else { throw error.placed(in: location) }
            }
            guard let child = try child(name) else { return }
            do throws(KernelError) {
                for below in try child.children() { try child.removeTree(below, deadline) }
                guard try child.wait(until: { !$0.populated }, deadline).reached else {
                    throw KernelError(
                        "unlinkat AT_REMOVEDIR", name, in: location, errno: .resourceBusy,
                        hint: "processes are still in it: \(try child.someProcesses())")
                }
            } catch {
                if !error.meansCgroupIsGone { throw error }
            }
        }
    }

    private borrowing func someProcesses() throws(KernelError) -> String {
        var inside: [Int32] = []
        do throws(KernelError) { inside = try read(.processes) ?? [] } catch {
            // A threaded cgroup lists threads only: its processes are its domain's.
            guard error.errno == .notSupportedOnSocket else { throw error }
            inside = try read(.threads) ?? []
        }
        let shown = inside.prefix(8).map(String.init).joined(separator: ", ")
        return inside.count > 8 ? "\(shown) and \(inside.count - 8) more" : shown
    }
}
