// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import LinuxKernel
internal import SystemPackage

/// A started command, owned: a child that is dropped without `wait`, `ended` or `detach` is killed and reaped.
///
/// It is held by a process descriptor, so no signal can reach a stranger that got its number. Under a reaper its exit
/// signal is 0: the caller gets no SIGCHLD, and nobody else's `waitpid(-1)` takes it away. Without one it has the usual
/// signal from its exec on, which the kernel sets: in a process where SIGCHLD is ignored, or that waits for any child, its
/// end may be taken. Since Linux 6.15 the kernel still tells it (`Exit.wasReapedElsewhere`); before, use a reaper.
public struct Child: ~Copyable, Sendable {
    /// The process id in the caller's pid namespace: the command's, or its init's under a reaper.
    public let pid: Int32
    /// The master of the command's pseudo-terminal, when the plan asked for one.
    public internal(set) var terminal: Descriptor?
    /// Optional steps that failed: level in, status out.
    public internal(set) var passedOver: [LaunchError] = []
    /// What took another way than usual.
    public internal(set) var detours: Set<StartDetour> = []
    package let process: Descriptor
    var outcome: Descriptor?
    private var isOwned = true

    init(pid: Int32, process: consuming Descriptor) {
        self.pid = pid
        self.process = process
    }

    deinit {
        guard isOwned else { return }
        _ = try? ProcessCall.send(signal: 9, to: process)
        _ = try? ProcessCall.wait(for: process, blocking: true)
    }

    /// Sends a signal (`pidfd_send_signal`, since Linux 5.1); false when the command has ended. Under a reaper the
    /// signal is handed on to the command, but for SIGKILL and SIGSTOP, which take the whole namespace.
    @discardableResult
    public borrowing func send(signal: Int32) throws(KernelError) -> Bool {
        try ProcessCall.send(signal: signal, to: process)
    }

    /// Waits until the command has ended, and reaps it (`waitid` `P_PIDFD`, since Linux 5.4).
    public consuming func wait() throws(KernelError) -> Exit {
        while true {
            guard let exit = try reap(blocking: true) else { continue }
            isOwned = false
            return exit
        }
    }

    /// Waits in a task until the command has ended, and reaps it: no thread waits for it alone. A task that is cancelled
    /// kills the command, and gets that end.
    public consuming func ended() async throws(KernelError) -> Exit {
        while true {
            if let exit = try reap(blocking: false) {
                isOwned = false
                return exit
            }
            if try await EndNotices.ended(process) { continue }
            try ProcessCall.send(signal: 9, to: process)
            return try wait()
        }
    }

    /// Whether the command has ended, or does so within a time; nothing is reaped. The calling thread waits.
    public borrowing func hasEnded(within time: Duration = .zero) throws(KernelError) -> Bool {
        let end = ContinuousClock.now + min(time, .seconds(4_000_000_000))
        while true {
            let (seconds, attoseconds) = max(.zero, end - ContinuousClock.now).components
            // Rounded up, so that the last wait is none of zero before the time.
            let left = Int32(clamping: seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
            if try poll([process.number], timeoutMilliseconds: left) != [[]] { return true }
            if left == 0 { return false }
        }
    }

    /// The same in a task, which no thread waits for; false too when the task is cancelled.
    public borrowing func hasEnded(within time: Duration) async throws(KernelError) -> Bool {
        if try poll([process.number], timeoutMilliseconds: 0) != [[]] { return true }
        let process = SharedDescriptor(try process.duplicate())
        return try await withTaskGroup(of: Result<Bool, KernelError>.self) { group in
            group.addTask {
                do throws(KernelError) { return .success(try await EndNotices.ended(process.descriptor)) } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return .success(false)
            }
            let first = await group.next() ?? .success(false)
            group.cancelAll()
            return first
        }.get()
    }

    /// Lets the command live on by itself.
    public consuming func detach() { isOwned = false }

    private borrowing func reap(blocking: Bool) throws(KernelError) -> Exit? {
        var exit: Exit?
        do throws(KernelError) { exit = try ProcessCall.wait(for: process, blocking: blocking) } catch {
            guard error.errno == .noChildProcess, let told = ProcessCall.exitOfReaped(process) else { throw error }
            exit = told
        }
        if exit != nil, let status = try outcomeStatus() { exit?.status = status }
        return exit
    }

    /// What the reaper wrote of the command's end; nil when the reaper itself was killed.
    private borrowing func outcomeStatus() throws(KernelError) -> ExitStatus? {
        guard let bytes = try outcome?.readBytes() else { return nil }
        return ExitStatus(outcome: bytes)
    }
}

extension Child {
    /// Takes the master of the command's pseudo-terminal; nil when there is none, or it was taken.
    public mutating func takeTerminal() -> Descriptor? { terminal.take() }
}

/// Another way than usual that a start took, because the usual one is hidden from the caller.
public enum StartDetour: String, Hashable, Sendable {
    /// `clone` instead of `clone3`, which a seccomp filter hides (ENOSYS).
    case oldClone
    /// Moved into its cgroup before it did anything, instead of being born there.
    case movedIntoCgroup
}
