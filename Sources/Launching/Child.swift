// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import LinuxKernel

/// A started command, owned: a child that is dropped without `wait` or `detach` is killed and reaped.
///
/// It is held by a process descriptor, so no signal can reach a stranger that got its number. Under a reaper its exit
/// signal is 0: the caller gets no SIGCHLD, and nobody else's `waitpid(-1)` takes it away. Without one it has the usual
/// signal from its exec on, which the kernel sets: in a process where SIGCHLD is ignored, or that waits for any child,
/// use a reaper.
public struct Child: ~Copyable, Sendable {
    /// The process id in the caller's pid namespace: the command's, or its init's under a reaper.
    public let pid: Int32
    /// The master of the command's pseudo-terminal, when the plan asked for one.
    public internal(set) var terminal: Descriptor?
    /// Optional steps that failed: level in, status out.
    public internal(set) var passedOver: [LaunchError] = []
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
            guard var exit = try ProcessCall.wait(for: process, blocking: true) else { continue }
            isOwned = false
            if let status = try outcomeStatus() { exit.status = status }
            return exit
        }
    }

    /// Lets the command live on by itself.
    public consuming func detach() { isOwned = false }

    /// What the reaper wrote of the command's end; nil when the reaper itself was killed.
    private borrowing func outcomeStatus() throws(KernelError) -> ExitStatus? {
        guard let bytes = try outcome?.readBytes(), bytes.count == 8 else { return nil }
        func number(_ at: Int) -> Int32 {
            (0..<4).reduce(0) { $0 | Int32(bytes[at + $1]) << (8 * Int32($1)) }
        }
        return number(0) == 1 ? .exited(number(4)) : .killed(signal: number(4))
    }
}

extension Child {
    /// Takes the master of the command's pseudo-terminal; nil when there is none, or it was taken.
    public mutating func takeTerminal() -> Descriptor? { terminal.take() }
}
