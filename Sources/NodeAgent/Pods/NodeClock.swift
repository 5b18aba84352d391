// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LinuxKernel
package import NodeModel
internal import SystemPackage

/// The time, and waiting for it: the machine's, or a test's.
package protocol NodeClock: Sendable {
    /// The time.
    var now: Timestamp { get }
    /// What tells one start of the machine from another; nil where nothing does.
    var bootID: String? { get }
    /// Waits until a time; shorter when the task is cancelled.
    func sleep(until time: Timestamp) async
}

/// The machine's time when the agent started, and what has passed since: a clock that is set anew meanwhile makes no grace
/// period longer or shorter.
package struct MachineClock: NodeClock {
    private let start: Timestamp
    private let origin = ContinuousClock.now
    package let bootID: String?

    package init() {
        bootID = try? readKernelFile("/proc/sys/kernel/random/boot_id")
        start = Timestamp(sinceEpoch: .microseconds(Int64(Date.now.timeIntervalSince1970 * 1_000_000)))
    }

    package var now: Timestamp { start + origin.duration(to: .now) }

    package func sleep(until time: Timestamp) async {
        // What is centuries away need not be waited for in one go.
        try? await Task.sleep(for: min(max(.zero, time - now), .seconds(1 << 20)))
    }
}
