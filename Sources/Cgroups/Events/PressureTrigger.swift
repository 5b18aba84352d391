// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// What a pressure trigger listens to.
public enum PressureResource: String, Hashable, Sendable, CaseIterable {
    /// Waiting for a processor. `cpu.pressure`.
    case cpu
    /// Waiting for memory. `memory.pressure`.
    case memory
    /// Waiting for block devices. `io.pressure`.
    case io
    /// Time taken by interrupts; only `full`. `irq.pressure`, since Linux 6.1.
    case irq
}

/// Whose waiting counts.
public enum PressureKind: String, Hashable, Sendable {
    /// At least one process waited.
    case some
    /// All processes waited at once.
    case full
}

/// A promise of the kernel to wake its holder once processes have waited for a resource too long: no polling.
///
/// For a cgroup or, with `ofHost`, for `/proc/pressure`. It fires at most once in each window. The kernel takes the
/// trigger back when this value goes out of scope. Since Linux 5.2.
public struct PressureTrigger: ~Copyable, Sendable {
    /// What came of a wait.
    public enum Outcome: Hashable, Sendable {
        /// They waited that long within the window.
        case stalled
        /// They did not, up to the time-out.
        case timedOut
        /// The cgroup was removed.
        case gone
    }

    private let file: Descriptor
    private let place: String

    private init(_ file: consuming Descriptor, _ place: String) {
        self.file = file
        self.place = place
    }

    /// Sets a trigger on a cgroup: fires when processes in it or below waited `stall` within any `window`.
    /// - Parameters:
    ///   - stall: more than nothing, at most the window; whole microseconds.
    ///   - window: 500 ms to 10 s; without CAP_SYS_RESOURCE a multiple of 2 s, and only since Linux 6.4 allowed at all.
    /// - Throws: ENOENT and EOPNOTSUPP where pressure is not counted (`psi=1`, or `cgroup.pressure` is 0).
    public static func on(
        _ cgroup: borrowing Cgroup, _ kind: PressureKind = .some, _ resource: PressureResource = .memory,
        stall: Duration, window: Duration
    ) throws(KernelError) -> PressureTrigger {
        let name = "\(resource).pressure"
        do {
            let file = try cgroup.directory.open(name, [.readingAndWriting, .nonBlocking])
            return PressureTrigger(
                try armed(file, name, cgroup.location, kind, stall, window), "\(name) in \(cgroup.location)")
        } catch { throw cgroup.gone(error.placed(in: cgroup.location)).hinting(missing(error.errno)) }
    }

    /// The same for the whole machine.
    public static func ofHost(
        _ kind: PressureKind = .some, _ resource: PressureResource = .memory, stall: Duration, window: Duration
    ) throws(KernelError) -> PressureTrigger {
        let path = "/proc/pressure/\(resource)"
        do {
            let file = try Descriptor.open(FilePath(path), [.readingAndWriting, .nonBlocking])
            return PressureTrigger(try armed(file, path, nil, kind, stall, window), path)
        } catch { throw error.hinting(missing(error.errno)) }
    }

    private static func armed(
        _ file: consuming Descriptor, _ name: String, _ place: String?, _ kind: PressureKind, _ stall: Duration,
        _ window: Duration
    ) throws(KernelError) -> Descriptor {
        let text = "\(kind) \(microseconds(stall)) \(microseconds(window))"
        let fault: String? =
            if window < .milliseconds(500) || window > .seconds(10) {
                "the window is 500 ms to 10 s"
            } else if stall <= .zero || stall > window {
                "the stall is more than nothing and at most the window"
            } else { nil }
        if let fault {
            throw KernelError("write", name, value: text, in: place, errno: .invalidArgument, hint: fault)
        }
        do throws(KernelError) {
            // The kernel reads up to the NUL.
            let count = try file.writeOnce((Array(text.utf8) + [0])[...])
            guard count > 0 else { throw KernelError("write", name, value: text, in: place, errno: .ioError) }
        } catch {
            throw KernelError(
                "write", name, value: text, in: place, errno: error.errno,
                hint: error.errno == .invalidArgument
                    ? "without CAP_SYS_RESOURCE the window is a multiple of 2 s (since Linux 6.4)"
                    : error.errno == .notPermitted
                        ? "before Linux 6.4 a trigger takes CAP_SYS_RESOURCE"
                        : error.errno == .resourceBusy ? "this file has a trigger already" : missing(error.errno))
        }
        return file
    }

    private static func missing(_ errno: Errno) -> String? {
        errno == .notSupportedOnSocket || errno == .noSuchFileOrDirectory
            ? "pressure is not counted here: the kernel needs CONFIG_PSI and maybe psi=1, the cgroup cgroup.pressure 1"
            : nil
    }

    /// Waits until it fires.
    public borrowing func wait(timeout: Duration? = nil) throws(KernelError) -> Outcome {
        let deadline = Deadline(after: timeout)
        while true {
            // The kernel wakes nobody who sleeps in poll when the cgroup is removed; the next call tells.
            let slice = deadline.orSooner(.seconds(1)).milliseconds
            let ready = try poll([file.number], for: .priority, timeoutMilliseconds: slice)
            let events = ready.first ?? []
            // With the file taken away the kernel answers with an error at once, and priority beside it.
            if events.contains(.error) { return .gone }
            if events.contains(.priority) { return .stalled }
            if deadline.passed { return .timedOut }
        }
    }

    /// For `poll` of more than one.
    var number: Int32 { file.number }
}

private func microseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
}
