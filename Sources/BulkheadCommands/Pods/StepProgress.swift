// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import Synchronization

/// How far a long change has come, on the terminal that errors go to; on anything else nothing.
final class StepProgress: Sendable {
    private struct State {
        var next = ContinuousClock.now + .milliseconds(500)
        var isShown = false
    }
    private let state = Mutex(State())
    private let isOnTerminal: Bool

    init() {
        var isOnTerminal = false
        do { isOnTerminal = try Descriptor.standard(.error).isTerminal } catch {}
        self.isOnTerminal = isOnTerminal
    }

    /// What takes less than half a second is not worth a line, and ten lines a second are enough.
    func show(_ progress: TreeProgress) {
        guard isOnTerminal else { return }
        let isDue = state.withLock { state in
            guard ContinuousClock.now >= state.next else { return false }
            state.next = .now + .milliseconds(100)
            state.isShown = true
            return true
        }
        if isDue { try? Output.write("\r\u{1B}[K\(progress.done) of \(progress.all) steps", to: .error) }
    }

    /// Takes the line away.
    func clear() {
        if state.withLock({ $0.isShown }) { try? Output.write("\r\u{1B}[K", to: .error) }
    }
}
