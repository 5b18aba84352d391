// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import SystemPackage
internal import UserNamespaces

/// The init of a running container, whoever started it.
final class ContainerProcess: Sendable {
    let attempt: Int
    /// Its number on the host.
    let pid: Int32
    let process: SharedDescriptor
    /// Where it writes how the command ended; nil when that file is not there.
    private let outcome: Descriptor?

    init(attempt: Int, pid: Int32, process: SharedDescriptor, outcome: consuming Descriptor?) {
        self.attempt = attempt
        self.pid = pid
        self.process = process
        self.outcome = outcome
    }

    /// Sends a signal, which the init hands on to the command.
    func send(signal: Int32) throws(KernelError) { try ProcessCall.send(signal: signal, to: process.descriptor) }

    /// Suspends the task until it has ended; its exit code. A child of this process is reaped.
    func ended() async -> Int32 {
        // Fails only when this process has no descriptor left: then it is looked after like this.
        while (try? await EndNotices.ended(process.descriptor)) != true {
            try? await Task.sleep(for: .seconds(1))
        }
        let reaped = try? ProcessCall.wait(for: process.descriptor, blocking: false)
        return exitCode(reaped: reaped ?? nil)
    }

    private func exitCode(reaped: Exit?) -> Int32 {
        if let told = Self.code(in: outcome) { return told }
        return (reaped ?? ProcessCall.exitOfReaped(process.descriptor))?.status.shellCode ?? 137
    }

    /// The exit code that stands in the file of an outcome; nil when none does.
    static func code(in outcome: borrowing Descriptor?) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 9)
        guard let count = try? outcome?.readAgain(into: &bytes) else { return nil }
        return ExitStatus(outcome: Array(bytes[..<count]))?.shellCode
    }

    /// A namespace that it is in.
    func namespace(_ kind: NamespaceKind) throws(KernelError) -> JoinedNamespace {
        JoinedNamespace(kind.flag, SharedDescriptor(try Namespace(kind, of: process.descriptor).takeDescriptor()))
    }
}

extension Cgroup {
    /// The process in this cgroup that is number 1 of a process id namespace directly below the caller's, held; nil when
    /// there is none.
    borrowing func containerInit() throws(KernelError) -> (pid: Int32, process: SharedDescriptor)? {
        for pid in try read(.processes) ?? [] where pid > 0 {
            let process: Descriptor
            do throws(KernelError) { process = try ProcessCall.open(pid) } catch {
                if error.errno == .noSuchProcess || error.errno == .invalidArgument { continue }
                throw error
            }
            guard let status = try? readKernelFile(FilePath("/proc/\(pid)/status")),
                // One that has not come so far waits for a starter that is gone, and never will.
                status.hasPrefix("Name:\tbulkhead-init\n"),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") }),
                line.split(whereSeparator: \.isWhitespace).dropFirst().map(String.init) == ["\(pid)", "1"]
            else { continue }
            // The number was read before it was held: it is the same process if it is here still.
            guard try read(.processes)?.contains(pid) == true, try ProcessCall.send(signal: 0, to: process) else {
                continue
            }
            return (pid, SharedDescriptor(process))
        }
        return nil
    }
}
