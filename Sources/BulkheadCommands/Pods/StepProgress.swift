// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Glibc
internal import LinuxKernel
internal import Synchronization
internal import SystemPackage
internal import ToolOutput

/// How far a long change has come, on the terminal that errors go to; and the signals that stop it between two steps.
final class StepProgress: Sendable {
    private struct State: ~Copyable {
        var next = ContinuousClock.now + .milliseconds(500)
        var isShown = false
        var signals: SignalDescriptor?
        var ending: Int32?

        /// Before the first step nothing is to be taken back, and a signal ends the process as ever.
        mutating func signal(before step: Int) throws(KernelError) -> Int32? {
            if step == 0 { signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGQUIT]) }
            switch signals {
            case .none: return nil
            case .some(let signals): return signals.next()
            }
        }
    }
    private let state = Mutex(State())
    private let isOnTerminal: Bool

    init() {
        var isOnTerminal = false
        do { isOnTerminal = try Descriptor.standard(.error).isTerminal } catch {}
        self.isOnTerminal = isOnTerminal
    }

    /// The signal that stopped the change.
    var ending: Int32? { state.withLock { $0.ending } }

    /// Says how far it is: not of what takes less than half a second, and ten times a second at the most.
    /// - Throws: EINTR when a signal has come.
    func show(_ progress: TreeProgress) throws(KernelError) {
        let (signal, isDue) = try state.withLock { state throws(KernelError) in
            let signal = try state.signal(before: progress.done)
            state.ending = signal
            guard isOnTerminal, ContinuousClock.now >= state.next else { return (signal, false) }
            state.next = .now + .milliseconds(100)
            state.isShown = true
            return (signal, true)
        }
        if let signal {
            throw KernelError(
                "apply", "step \(progress.done) of \(progress.all)", errno: .interrupted, hint: "signal \(signal)")
        }
        if isDue { try? Output.write("\r\u{1B}[K\(progress.done) of \(progress.all) steps", to: .error) }
    }

    /// Takes the line away.
    func clear() {
        if state.withLock({ $0.isShown }) { try? Output.write("\r\u{1B}[K", to: .error) }
    }
}
