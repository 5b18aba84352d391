// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

extension Cgroup {
    /// Lets a user manage what is below this cgroup: the directory and the files that the kernel lists as delegatable
    /// (`/sys/kernel/cgroup/delegate`, since Linux 4.15) become the user's. All other files stay the parent's manager's,
    /// so that the user cannot lift the limits set here.
    ///
    /// By `fchownat` on the descriptor, the directory last: whoever sees it his own finds it ready. Files of the list
    /// that this kernel or this cgroup lacks are left out (`memory.oom.group` without the memory controller). The names
    /// of those that were given.
    public borrowing func delegate(uid: UInt32, gid: UInt32) throws(KernelError) -> [String] {
        let list = try readKernelFile("/sys/kernel/cgroup/delegate").split(separator: "\n").map(String.init)
        var given: [String] = []
        for name in list where nameFault(name) == nil {
            do {
                try directory.changeOwner(of: name, uid: uid, gid: gid)
                given.append(name)
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw delegation(error) }
                if isGone() { throw gone(error.placed(in: location)) }
            }
        }
        do { try directory.changeOwner(of: "", uid: uid, gid: gid) } catch { throw delegation(error) }
        return given
    }

    /// Lets the root user of a user namespace manage what is below this cgroup.
    /// - Throws: EINVAL when the namespace has no id 0, so that nobody could use it.
    public borrowing func delegate(to map: IDMap) throws(KernelError) -> [String] {
        guard let uid = map.outside(uid: 0), let gid = map.outside(gid: 0) else {
            throw KernelError(
                "fchownat", location, value: "\(map)", errno: .invalidArgument,
                hint: "the map gives no id outside to the root user inside")
        }
        return try delegate(uid: uid, gid: gid)
    }

    private borrowing func delegation(_ error: KernelError) -> KernelError {
        let hint = error.errno == .notPermitted ? "giving a cgroup away takes CAP_CHOWN" : nil
        return gone(error.placed(in: location)).hinting(hint)
    }
}
