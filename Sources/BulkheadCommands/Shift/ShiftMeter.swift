// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Mounts
internal import Synchronization
internal import ToolOutput

/// How far a shift has come, on standard error: a bar on a terminal, elsewhere a line every five seconds. And the signal
/// that stops it.
final class ShiftMeter: Sendable {
    private struct State {
        var next: ContinuousClock.Instant
        var isShown = false
    }
    private let state: Mutex<State>
    private let isOnTerminal: Bool

    init() {
        var isOnTerminal = false
        do { isOnTerminal = try Descriptor.standard(.error).isTerminal } catch {}
        self.isOnTerminal = isOnTerminal
        state = Mutex(State(next: .now + (isOnTerminal ? .milliseconds(300) : .seconds(5))))
    }

    /// Whether to go on.
    func show(_ progress: ShiftProgress) -> Bool {
        let isDue = state.withLock { state in
            guard ContinuousClock.now >= state.next else { return false }
            state.next = .now + (isOnTerminal ? .milliseconds(100) : .seconds(5))
            state.isShown = true
            return true
        }
        if isDue {
            let text = Self.text(progress, width: isOnTerminal ? 24 : 0)
            try? Output.write(isOnTerminal ? "\r\u{1B}[K\(text)" : "bulkhead: \(text)\n", to: .error)
        }
        return BenchSignals.caught == nil
    }

    /// Takes the bar away.
    func clear() {
        if isOnTerminal, state.withLock({ $0.isShown }) { try? Output.write("\r\u{1B}[K", to: .error) }
    }

    /// Bar, share, count, rate and what remains.
    static func text(_ progress: ShiftProgress, width: Int) -> String {
        let doing =
            switch progress.phase {
            case .surveying: "looking"
            case .recording: "recording"
            case .shifting: "shifting"
            case .restoring: "restoring"
            case .synchronizing: "synchronizing"
            case .tidying: "tidying"
            }
        if progress.phase == .synchronizing { return doing }
        let rate = progress.seconds > 0 ? Double(progress.names) / progress.seconds : 0
        guard let all = progress.all, all > 0 else { return "\(doing) \(progress.names) names, \(Int(rate))/s" }
        let share = min(1, Double(progress.names) / Double(all))
        let filled = Int(share * Double(width))
        let bar =
            width > 0
            ? "[\(String(repeating: "#", count: filled))\(String(repeating: "-", count: width - filled))] " : ""
        let rest = rate > 0 ? ", \(ShiftReport.duration(Double(max(0, all - progress.names)) / rate)) left" : ""
        return "\(doing) \(bar)\(Int(share * 100)) % \(progress.names)/\(all) names, \(Int(rate))/s\(rest)"
    }
}
