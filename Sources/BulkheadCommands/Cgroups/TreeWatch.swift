// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// A tree that is shown again and again until somebody ends it.
struct TreeWatch {
    let view: TreeView
    let interval: Duration

    /// One JSON document on each line.
    func documents() throws {
        let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP])
        while true {
            let start = ContinuousClock.now
            guard let sample = try view.sample() else { throw view.place.goneFailure }
            try Output.print(sample.json.compact)
            _ = try poll([signals.descriptor.number], timeoutMilliseconds: left(since: start))
            if let signal = signals.next() { return try ended(by: signal) }
        }
    }

    /// A screen that is redrawn or, where there is no terminal, frame after frame.
    func frames() throws {
        let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGWINCH])
        let end = try draw(signals)
        // The terminal is restored by now.
        switch end {
        case .asked: return
        case .gone: throw view.place.goneFailure
        case .signal(let signal): return try ended(by: signal)
        }
    }

    private enum End {
        case asked
        case gone
        case signal(Int32)
    }

    private func draw(_ signals: borrowing SignalDescriptor) throws -> End {
        let screen = try TreeScreen.open()
        var previous: (sample: TreeSample, taken: ContinuousClock.Instant)?
        while true {
            let start = ContinuousClock.now
            guard let sample = try view.sample() else { return .gone }
            while true {
                try show(sample, previous.map { ($0.sample.processorTimes, start - $0.taken) }, screen)
                let number: CInt
                switch screen {
                case .some(let screen): number = screen.number
                case .none: number = -1
                }
                let ready = try poll([signals.descriptor.number, number], timeoutMilliseconds: left(since: start))
                if let signal = signals.next() {
                    // The same in the new size, at once.
                    if signal == SIGWINCH { continue }
                    return .signal(signal)
                }
                switch screen {
                case .some(let screen):
                    if ready.last?.isEmpty == false {
                        if try screen.isEnded() { return .asked }
                        if left(since: start) > 0 { continue }
                    }
                case .none: break
                }
                break
            }
            previous = (sample, start)
        }
    }

    private func show(
        _ sample: TreeSample, _ previous: ([CgroupPath: UInt64], Duration)?, _ screen: borrowing TreeScreen?
    ) throws {
        switch screen {
        case .some(let screen):
            var text = view.text(for: try TreeScreen.size(), rows: try TreeScreen.rows() - 1)
            text.previous = previous
            // A line that wraps would move all others.
            let hint = "every \(Seconds(interval)) s; q ends" + view.notes.map { "; \($0)" }.joined()
            try screen.show(text.lines(sample) + [text.style.dim(String(hint.prefix(text.columns)))])
        case .none:
            var text = view.text(for: try TreeScreen.size(), rows: nil)
            text.previous = previous
            try Output.print(text.lines(sample).joined(separator: "\n") + "\n")
        }
    }

    private func left(since start: ContinuousClock.Instant) -> Int32 {
        let left = (interval - (ContinuousClock.now - start)).components
        return Int32(clamping: max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000))
    }

    /// Ctrl-C is how it is ended; what another signal means is for the caller to know.
    private func ended(by signal: Int32) throws {
        if signal != SIGINT { throw ExitCode(128 + signal) }
    }
}
