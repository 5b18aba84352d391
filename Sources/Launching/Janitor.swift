// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import Cgroups
public import LinuxKernel
internal import SystemPackage
public import UserNamespaces

/// A small process that outlives the caller to remove cgroups, when the caller is killed before it could.
///
/// Everything else a start makes ends with its processes; a cgroup's directory does not. Dismissed when the value goes
/// out of scope: by then the caller has cleaned up itself.
@safe public struct Janitor: ~Copyable {
    private let process: Descriptor
    /// Shared with the process: how many of the cgroups, parents first, the caller has made.
    private let count: UnsafeMutablePointer<Int32>

    /// Starts watching the caller.
    ///
    /// - Parameters:
    ///   - own: the cgroups to empty and remove, paths beneath `root`, children before parents; they need not exist yet.
    ///   - groups: cgroups that others use too, removed if they are empty by then, children before parents.
    ///   - root: the cgroup that the paths are beneath.
    ///   - claim: a range of ids that stays claimed until the cgroups are gone.
    public init(
        removing own: [String], and groups: [String], beneath root: borrowing Cgroup,
        holding claim: borrowing IDRangeClaim?
    ) throws(KernelError) {
        let caller = try ProcessCall.open(processID)
        let lock: CInt =
            switch claim {
            case .some(let claim): claim.lock.number
            case .none: -1
            }
        var memory = PlanMemory()
        var number: CInt = -1
        var shared: UnsafeMutablePointer<Int32>?
        let pid = unsafe bk_start_janitor(
            caller.number, root.directory.number, memory.list(own), memory.list(groups), lock, &number, &shared)
        guard pid > 0, let shared = unsafe shared else {
            throw KernelError("clone3", "the janitor", errno: Errno(rawValue: min(pid, 0) * -1))
        }
        unsafe count = unsafe shared
        process = Descriptor(owning: number)
    }

    /// Says that the caller has made another of the cgroups, the parents first. Until then a cgroup of that name may be
    /// somebody else's, and nothing in it is killed.
    public borrowing func owns(_ made: Int) { unsafe count.pointee = Int32(clamping: made) }

    deinit {
        unsafe bk_dismiss_count(count)
        // Where it cannot be killed it ends with this process, and there is no waiting for that.
        guard (try? ProcessCall.send(signal: 9, to: process)) != nil else { return }
        _ = try? ProcessCall.wait(for: process, blocking: true)
    }
}
