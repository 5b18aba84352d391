// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import Glibc
internal import Synchronization

/// Signals that ask to end, remembered until a step of a benchmark has ended.
///
/// A handler and not a descriptor: the runtime of an asynchronous `main` has started threads by now, in which the
/// signals are not blocked, and one of those would end the process.
enum BenchSignals {
    private static let last = Atomic<Int32>(0)

    /// The signal that came, or nil.
    static var caught: Int32? {
        let signal = last.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// From here on signals are remembered; those that the caller of the program ignores stay ignored.
    static func catchAll() {
        // The variable is set up now, for a handler may not do that.
        last.store(0, ordering: .relaxed)
        for number in [Signal.hangUp, Signal.interrupt, Signal.quit, Signal.terminate] {
            let before = signal(number) { BenchSignals.last.store($0, ordering: .relaxed) }
            if unsafe unsafeBitCast(before, to: Int.self) == 1 { signal(number, SIG_IGN) }
        }
    }
}
