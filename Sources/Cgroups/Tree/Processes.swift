// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Moves a process, with all its threads, into this cgroup (`cgroup.procs`).
    ///
    /// It costs milliseconds on an idle machine, for the kernel waits until no task forks anywhere. A new process is
    /// better started inside (`CLONE_INTO_CGROUP`).
    public borrowing func move(_ pid: Int32) throws(KernelError) {
        // 0 would be the caller, and -1 is what a failed call leaves behind.
        guard pid > 0 else {
            throw KernelError(
                "write", CgroupFile.processes.name, value: "\(pid)", in: location, errno: .invalidArgument,
                hint: "a process id is positive")
        }
        try write("\(pid)", to: .processes)
    }

    /// Sends SIGKILL to every process in the cgroup and below it (`cgroup.kill`; before Linux 5.14 one by one).
    ///
    /// It returns before they have ended: `waitUntilEmpty` waits for that. A removed cgroup is no error.
    public borrowing func kill() throws(KernelError) {
        do {
            try write("1", to: .kill)
        } catch {
            if error.meansCgroupIsGone { return }
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            try killOneByOne()
        }
    }

    /// Kills what is inside until nothing is left; false when something still lives after the time.
    ///
    /// Killed again and again: before Linux 6.14 a child that is forked while the kernel goes through the list of
    /// processes can escape it.
    public borrowing func killAndWait(timeout: Duration? = nil) throws(KernelError) -> Bool {
        let deadline = Deadline(after: timeout)
        while true {
            try kill()
            do {
                let slice = deadline.orSooner(.milliseconds(100))
                if try wait(until: { !$0.populated }, slice).reached { return true }
            } catch {
                if error.meansCgroupIsGone { return true }
                throw error
            }
            if deadline.passed { return false }
        }
    }

    /// What `cgroup.kill` does, for Linux before 5.14: stop everything so that nothing forks, signal every process,
    /// let go. Repeated until a pass finds nobody new, or 64 times.
    borrowing func killOneByOne() throws(KernelError) {
        do throws(KernelError) {
            // Frozen processes do die of SIGKILL. Without the freezer (before 5.2) the passes alone have to do.
            let freezable = try read(.freeze) != nil
            let stopped = freezable ? try freeze(timeout: .milliseconds(200), undo: false) == .frozen : false
            for _ in 0..<(stopped ? 1 : 64) {
                if try signalAll(9) == 0 { break }
            }
            if freezable { try write(false, to: .freeze) }
        } catch {
            if !error.meansCgroupIsGone { throw error }
        }
    }

    /// Signals every process here and below once; the number of them.
    private borrowing func signalAll(_ signal: Int32) throws(KernelError) -> Int {
        var count = 0
        for name in try children() {
            if let child = try child(name) {
                do { count += try child.signalAll(signal) } catch { if !error.meansCgroupIsGone { throw error } }
            }
        }
        // The processes of a threaded cgroup are its domain's.
        if try read(.cgroupType) == .threaded { return count }
        // A number read from a file may have passed to another process by the time it is opened. One that is still
        // listed after its descriptor was opened is either that process or, if that has ended, its signal goes nowhere.
        var rest = try required(.processes)[...]
        while !rest.isEmpty {
            var opened: [(pid: Int32, process: HeldProcess)] = []
            for pid in rest.prefix(256) where pid > 0 {
                do { opened.append((pid, HeldProcess(try ProcessCall.open(pid)))) } catch {
                    if error.errno != .noSuchProcess { throw error }
                }
            }
            let still = Set(try required(.processes))
            for (pid, process) in opened where still.contains(pid) {
                if try ProcessCall.send(signal: signal, to: process.descriptor) { count += 1 }
            }
            rest = rest.dropFirst(256)
        }
        return count
    }
}

/// A descriptor in an array, which takes no value with one owner.
private final class HeldProcess: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
