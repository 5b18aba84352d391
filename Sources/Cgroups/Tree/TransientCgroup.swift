// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// A cgroup that lives as long as this value: what is inside is killed and the cgroup removed when it goes out of scope.
///
/// ```swift
/// let pod = try TransientCgroup(named: "web", inGroup: "bulkhead", of: Cgroup.root(), enabling: [.memory])
/// try pod.cgroup.write(.mebibytes(256), to: .memoryMax)
/// ```
public struct TransientCgroup: ~Copyable, Sendable {
    /// The cgroup.
    public let cgroup: Cgroup
    private let name: String
    private let parent: Cgroup
    /// The parent's parent and the parent's name, when the parent is removed with its last child.
    private let above: Cgroup?
    private let group: String?
    private var isKept = false

    /// Makes a cgroup in an existing one.
    public init(
        named name: String, in parent: consuming Cgroup, enabling controllers: Set<Controller> = []
    ) throws(KernelError) {
        cgroup = try parent.createChild(name, enabling: controllers)
        self.name = name
        self.parent = parent
        above = nil
        group = nil
    }

    /// Makes a cgroup in a group that is made when it is missing and removed with its last member. Any number of
    /// processes may do so at once.
    public init(
        named name: String, inGroup group: String, of root: consuming Cgroup, enabling controllers: Set<Controller> = []
    ) throws(KernelError) {
        var attempts = 100
        while true {
            attempts -= 1
            do {
                let parent: Cgroup
                if let existing = try root.child(group) {
                    parent = existing
                } else {
                    // What the host cannot give is refused before even the group is made.
                    parent = try root.openOrCreateChild(group, enabling: controllers)
                }
                cgroup = try parent.createChild(name, enabling: controllers)
                self.parent = parent
                break
            } catch {
                // Another owner removed the group, then empty, between our opening it and our making a child in it.
                guard error.meansCgroupIsGone || error.errno == .noSuchFileOrDirectory && error.call == "openat2",
                    attempts > 0, !root.isGone()
                else {
                    // The group may be ours and empty.
                    try? root.removeGroup(group)
                    throw error
                }
            }
        }
        self.name = name
        self.group = group
        above = consume root
    }

    /// Kills what is inside, waits for its end, removes the cgroup; an error when that took longer than the time.
    public consuming func remove(timeout: Duration = .seconds(10)) throws(KernelError) {
        isKept = true
        try end(timeout)
    }

    /// Leaves the cgroup where it is, with what runs inside.
    public consuming func keep() throws(KernelError) -> Cgroup {
        let kept = try cgroup.duplicate()
        isKept = true
        return kept
    }

    deinit {
        // Nobody is there to be told, and a half removed cgroup holds no more than an empty directory.
        if !isKept { try? end(.seconds(5)) }
    }

    private borrowing func end(_ timeout: Duration) throws(KernelError) {
        let deadline = ContinuousClock.now + timeout
        // Mostly it is empty by now, and one call removes it.
        do { try parent.removeChild(name) } catch {
            guard error.errno == .resourceBusy else { throw error }
            _ = try cgroup.killAndWait(timeout: timeout)
            try parent.removeChild(name, timeout: max(.zero, deadline - .now))
        }
        guard let group else { return }
        switch above {
        case .none: break
        case .some(let above): try above.removeGroup(group)
        }
    }
}

extension Cgroup {
    /// Removes a group when it has no member. Busy: it has others. Missing: another owner was faster.
    fileprivate borrowing func removeGroup(_ name: String) throws(KernelError) {
        do { try directory.removeDirectory(name) } catch {
            if error.errno != .resourceBusy && error.errno != .noSuchFileOrDirectory { throw error }
        }
    }
}
