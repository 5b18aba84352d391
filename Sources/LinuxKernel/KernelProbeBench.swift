// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// What trials share: who is asking, and scratch objects that die with it. Used by one thread, for one round.
final class ProbeBench {
    let rights = CallerRights.current()
    let version = try? KernelVersion.running()
    lazy var cgroups = CgroupHost.probe()
    lazy var caller = Result { () throws(KernelError) in try KeptDescriptor(ownProcess()) }
    /// A file system of our own that is nowhere in the tree.
    lazy var tmpfs = Result { () throws(KernelError) in try KeptDescriptor(MountCall.newFileSystem("tmpfs")) }
    lazy var userNamespaces = UserNamespaceHost.probe()
    /// A user namespace with maps and without a process.
    lazy var userNamespace = Result { () throws(KernelError) in try KeptDescriptor(scratchUserNamespace(rights)) }
    /// The scratch tmpfs with that map on it.
    lazy var mappedTmpfs = IDMapAttempt.ofScratchTmpfs(self)
    /// What a child that was started and ended by descriptor showed.
    lazy var child = ChildTrial()

    private func ownProcess() throws(KernelError) -> Descriptor {
        Descriptor(owning: try valueOrError(bk_probe_pidfd_open_self(), "pidfd_open", "this process"))
    }

    /// Why there is no user namespace to map a mount with, for a caller who may mount; nil when there is one.
    var mappingRefusal: String? {
        guard rights.has(CallerRights.sysAdmin), case .failure(let error) = userNamespace else { return nil }
        return "no user namespace can be made to map it with: \(userNamespaces.reason ?? error.description)"
    }

    /// Reads a result that is 0 or more, or -errno. ENOSYS means the call is unknown or hidden; EPERM is explained by
    /// what the caller lacks; the errors in `known` prove that the kernel has it.
    func judge(
        _ result: CInt, of trial: Trial, call: String? = nil, needsAdmin: Bool = false, known: [Errno] = [],
        note: String? = nil
    ) -> Finding {
        guard result < 0 else { return .works(note: note) }
        let call = call ?? trial.name
        let error = Errno(rawValue: -result)
        switch error {
        case .noFunction: return .missing(absence(of: call, trial))
        case .notPermitted where needsAdmin: return .refused(rights.adminRefusal(call))
        // A filter answers before the kernel does, so EPERM to an unprivileged call says nothing of the kernel.
        case .notPermitted: return .unknown(rights.refusal(call))
        default:
            if known.contains(error) { return .works(note: note) }
            return .missing(
                "\(call) answers \(error.description): not in this kernel (since Linux \(trial.since.release))")
        }
    }

    /// Why a call answered ENOSYS.
    func absence(of call: String, _ trial: Trial) -> String {
        guard let version, !version.isDisguised, version >= trial.since else {
            return "the kernel does not know \(call) (since Linux \(trial.since.release))"
        }
        let filter = rights.hasSeccompFilter ? "the seccomp filter on this process" : "a seccomp filter"
        return
            "\(call) answers ENOSYS although Linux has it since \(trial.since.release): \(filter) hides it, or it is "
            + "not compiled in"
    }
}

/// A descriptor in a lazy property: those cannot hold a value that is not copyable.
final class KeptDescriptor {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// A user namespace for trials, with one id mapped; closed, it is gone. The map is written from outside, as
/// `UserNamespace` does it, so it takes CAP_SETUID and CAP_SETGID in the caller's namespace.
func scratchUserNamespace(_ rights: CallerRights) throws(KernelError) -> Descriptor {
    let child = try NamespaceCall.Companion.staying()
    let home = "/proc/\(child.pid)"
    for (file, own) in [("uid_map", "/proc/self/uid_map"), ("gid_map", "/proc/self/gid_map")] {
        // An id that surely exists here; not 0, which asks for CAP_SETFCAP as well.
        let extent = (probedText(own) ?? "").split(whereSeparator: \.isWhitespace).prefix(3).compactMap { UInt32($0) }
        let id = extent.count == 3 ? min(65534, extent[0] &+ extent[2] &- 1) : 65534
        let path = "\(home)/\(file)"
        try Descriptor.probing(path, .writing).writeValue("0 \(id) 1", called: file, in: home)
    }
    let namespace = try Descriptor.probing("\(home)/ns/user")
    _ = consume child
    return namespace
}

/// Starts a child by `clone3` that exits at once, and reaps it by descriptor: the results of the calls involved.
struct ChildTrial {
    /// `clone3` with `CLONE_PIDFD`.
    var clone: CInt
    /// `waitid` with `P_PIDFD`, nil where there was no child.
    var wait: Errno?
    var waited = false

    init(flags: UInt64 = 0, cgroup: CInt = -1) {
        var pidfd: CInt = -1
        clone = unsafe bk_probe_clone3(flags, cgroup, &pidfd)
        guard clone > 0 else { return }
        let process = Descriptor(owning: pidfd)
        do throws(KernelError) {
            waited = try ProcessCall.wait(for: process, blocking: true) != nil
        } catch { wait = error.errno }
    }
}
