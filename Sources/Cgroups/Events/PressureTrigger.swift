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
    ///   - cgroup: whose processes; the handle may be closed afterwards.
    ///   - kind: whether one of them has to wait, or all at once.
    ///   - resource: what they wait for.
    ///   - stall: more than nothing, at most the window; whole microseconds.
    ///   - window: up to 10 s, before Linux 6.12 at least 500 ms; without CAP_SYS_RESOURCE a multiple of 2 s, and only
    ///     since Linux 6.4 allowed at all.
    /// - Throws: EINVAL for what `PressureThreshold` refuses, before the kernel is asked; ENOENT and EOPNOTSUPP where
    ///   pressure is not counted (`psi=1`, or `cgroup.pressure` is 0).
    public static func on(
        _ cgroup: borrowing Cgroup, _ kind: PressureThreshold.Kind = .some, _ resource: PressureResource = .memory,
        stall: Duration, window: Duration
    ) throws(KernelError) -> PressureTrigger {
        let file = CgroupFile(named: "\(resource).pressure")
        let text = try text(PressureThreshold(kind, stall: stall, window: window), file, file.name, cgroup.location)
        do {
            let opened = try cgroup.directory.open(file.name, [.readingAndWriting, .nonBlocking])
            return PressureTrigger(
                try armed(opened, text, file, file.name), "\(file.name) in \(cgroup.location)")
        } catch { throw cgroup.gone(error.placed(in: cgroup.location)).hinting(missing(error.errno)) }
    }

    /// The same for the whole machine.
    public static func ofHost(
        _ kind: PressureThreshold.Kind = .some, _ resource: PressureResource = .memory, stall: Duration,
        window: Duration
    ) throws(KernelError) -> PressureTrigger {
        let file = CgroupFile(named: "\(resource).pressure")
        let path = "/proc/pressure/\(resource)"
        let text = try text(PressureThreshold(kind, stall: stall, window: window), file, path, nil)
        do {
            let opened = try Descriptor.open(FilePath(path), [.readingAndWriting, .nonBlocking])
            return PressureTrigger(try armed(opened, text, file, path), path)
        } catch { throw error.hinting(missing(error.errno)) }
    }

    /// What is written, when it can be.
    private static func text(
        _ threshold: PressureThreshold, _ file: CgroupFile, _ name: String, _ place: String?
    ) throws(KernelError) -> String {
        guard let fault = threshold.refusal(in: file) else { return threshold.kernelText }
        throw KernelError("write", name, value: threshold.kernelText, in: place, errno: .invalidArgument, hint: fault)
    }

    private static func armed(
        _ opened: consuming Descriptor, _ text: String, _ file: CgroupFile, _ name: String
    ) throws(KernelError) -> Descriptor {
        do throws(KernelError) {
            // The kernel reads up to the NUL.
            let count = try opened.writeOnce((Array(text.utf8) + [0])[...])
            guard count > 0 else { throw KernelError("write", name, value: text, errno: .ioError) }
        } catch {
            throw KernelError(
                "write", name, value: text, errno: error.errno, hint: writeHint(error.errno, file))
        }
        return opened
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
