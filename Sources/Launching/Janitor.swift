// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import Cgroups
public import LinuxKernel
internal import SystemPackage
public import UserNamespaces

/// A small process that outlives the caller to remove a cgroup, when the caller is killed before it could.
///
/// Everything else a start makes ends with its processes; a cgroup's directory does not. Dismissed when the value goes
/// out of scope: by then the caller has cleaned up itself.
public struct Janitor: ~Copyable, Sendable {
    private let process: Descriptor

    /// Starts watching the caller.
    ///
    /// - Parameters:
    ///   - name: the cgroup to kill and remove, beneath `parent`; it need not exist yet.
    ///   - grandparent: where `parentName`, if it is empty by then, is removed as well.
    ///   - claim: a range of ids that stays claimed until the cgroup is gone.
    public init(
        removing name: String, in parent: borrowing Cgroup, called parentName: String,
        in grandparent: borrowing Cgroup, holding claim: borrowing IDRangeClaim
    ) throws(KernelError) {
        let caller = try ProcessCall.open(processID)
        var number: CInt = -1
        let pid = unsafe parentName.withCString { parentName in
            unsafe bk_start_janitor(
                caller.number, grandparent.descriptor.number, parentName, parent.descriptor.number, name,
                claim.lock.number, &number)
        }
        guard pid > 0 else { throw KernelError("clone3", "the janitor of \(name)", errno: Errno(rawValue: -pid)) }
        process = Descriptor(owning: number)
    }

    deinit {
        _ = try? ProcessCall.send(signal: 9, to: process)
        _ = try? ProcessCall.wait(for: process, blocking: true)
    }
}
