// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import Synchronization
internal import SystemPackage

/// What a command wrote.
public enum ExecutionOutput: Hashable, Sendable {
    /// On standard output, or on its terminal.
    case output([UInt8])
    /// On standard error.
    case error([UInt8])
}

/// A command that runs in a container for a client. It is killed when the value goes; what it has started itself is not, as
/// with every kubelet.
public final class ContainerExecution: Sendable {
    /// What it writes, as it comes and as fast as it is read; ends when the command has closed its streams, or has ended. One
    /// consumer.
    public let output: AsyncStream<ExecutionOutput>
    private let input: Mutex<SharedDescriptor?>
    private let terminal: SharedDescriptor?
    private let process: SharedDescriptor
    private let threads: WorkThreads
    private let ending: Task<Int32, Never>

    init(
        process: SharedDescriptor, input: SharedDescriptor?, output: SharedDescriptor, error: SharedDescriptor?,
        terminal: SharedDescriptor?, threads: WorkThreads
    ) {
        self.threads = threads
        self.process = process
        self.input = Mutex(input)
        self.terminal = terminal
        let reader = ExecutionReader(process: process, output: output, error: error)
        self.output = AsyncStream { await reader.next() }
        ending = Task {
            // Fails only when this process has no descriptor left.
            while (try? await EndNotices.ended(process.descriptor)) != true {
                try? await Task.sleep(for: .milliseconds(200))
            }
            let exit = try? ProcessCall.wait(for: process.descriptor, blocking: false)
            return (exit ?? ProcessCall.exitOfReaped(process.descriptor))?.status.shellCode ?? 137
        }
    }

    deinit { _ = try? ProcessCall.send(signal: 9, to: process.descriptor) }

    /// Gives it input; waits while it reads none. What comes after its input has ended is dropped.
    public func write(_ bytes: [UInt8]) async throws(PodRuntimeError) {
        var rest = bytes[...]
        var pause = Duration.milliseconds(1)
        while !rest.isEmpty, let input = input.withLock({ $0 }) {
            // On a thread that blocks signals: where the command reads no more, the kernel sends SIGPIPE.
            let taken = try await threads.run { [rest] () throws -> Int? in
                do throws(KernelError) { return try input.descriptor.writeOnce(rest) } catch {
                    if error.errno == .brokenPipe || error.errno == .ioError { return rest.count }
                    guard error.errno == .resourceTemporarilyUnavailable else { throw error }
                    return nil
                }
            }
            if let taken {
                rest = rest.dropFirst(taken)
                pause = .milliseconds(1)
                continue
            }
            if Task.isCancelled { throw PodRuntimeError("the command takes no input") }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    /// Ends its input. A terminal stays: what ends there is typed.
    public func closeInput() async { if terminal == nil { input.withLock { $0 = nil } } }

    /// The client's terminal has another size.
    public func resize(columns: UInt16, rows: UInt16) async {
        try? terminal?.descriptor.setWindowSize(columns: columns, rows: rows)
    }

    /// Its exit code, when it has ended; 128 + n for signal n. A task that is cancelled waits no longer, and has that of a
    /// command that was killed.
    public func exitCode() async -> Int32 {
        let (codes, code) = AsyncStream<Int32>.makeStream()
        Task { [ending] in
            code.yield(await ending.value)
            code.finish()
        }
        for await code in codes { return code }
        return 137
    }

    /// Kills it.
    public func cancel() async { _ = try? ProcessCall.send(signal: 9, to: process.descriptor) }
}

/// Reads what a command writes, only when somebody wants it.
private final class ExecutionReader: Sendable {
    private struct State {
        var output: SharedDescriptor?
        var error: SharedDescriptor?
    }

    private let process: SharedDescriptor
    private let state: Mutex<State>

    init(process: SharedDescriptor, output: SharedDescriptor, error: SharedDescriptor?) {
        self.process = process
        state = Mutex(State(output: output, error: error))
    }

    func next() async -> ExecutionOutput? {
        while !Task.isCancelled {
            let hasEnded = (try? poll([process.descriptor.number], timeoutMilliseconds: 0)) != [[]]
            let (output, error) = state.withLock { ($0.output, $0.error) }
            if output == nil, error == nil { return nil }
            if let output, let bytes = read(output, hasEnded, { $0.output = nil }) { return .output(bytes) }
            if let error, let bytes = read(error, hasEnded, { $0.error = nil }) { return .error(bytes) }
            let open = state.withLock { [$0.output, $0.error].compactMap { $0 } }
            if !open.isEmpty { await anyReadable(open + [process]) }
        }
        return nil
    }

    /// What is there to read; a stream that is at its end is left.
    private func read(
        _ stream: SharedDescriptor, _ hasEnded: Bool, _ leave: (inout State) -> Void
    ) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 32768)
        do throws(KernelError) {
            let count = try stream.descriptor.read(into: &bytes)
            if count > 0 { return Array(bytes[..<count]) }
        } catch {
            // What others hold open of a command that has ended is not waited for.
            if error.errno == .resourceTemporarilyUnavailable, !hasEnded { return nil }
        }
        state.withLock { leave(&$0) }
        return nil
    }

    private func anyReadable(_ descriptors: [SharedDescriptor]) async {
        await withTaskGroup(of: Void.self) { group in
            for descriptor in descriptors {
                group.addTask { _ = try? await EndNotices.readable(descriptor.descriptor) }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
