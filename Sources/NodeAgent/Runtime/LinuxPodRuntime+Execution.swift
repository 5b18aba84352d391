// SPDX-License-Identifier: Apache-2.0

public import Launching
internal import LinuxKernel

extension LinuxPodRuntime {
    /// Starts a command inside a running container, with the rights that the container has.
    ///
    /// - Parameters:
    ///   - words: the command and its arguments, not empty.
    ///   - container: the container.
    ///   - uid: its pod.
    ///   - input: whether it gets input.
    ///   - terminal: whether it gets a terminal of its own instead of three streams.
    ///   - size: the size of that from the start.
    public func execute(
        _ words: [String], in container: String, ofPod uid: String, input: Bool = false, terminal: Bool = false,
        size: TerminalSize? = nil
    ) async throws(PodRuntimeError) -> ContainerExecution {
        guard let prepared = prepared[uid], let process = prepared.running[container] else {
            throw PodRuntimeError("container \(container) of pod \(uid) does not run")
        }
        let streams: ExecutionStreams
        do { streams = try ExecutionStreams(withInput: input) } catch { throw PodRuntimeError(of: error) }
        let started = try await join(words, container, process, prepared.plan) { launch in
            launch.terminal = terminal
            launch.terminalSize = terminal ? size : nil
            launch.streams = terminal ? Streams(input: .null, output: .null, error: .null) : streams.theirs
        }
        guard let child = started.take() else {
            throw PodRuntimeError("container \(container) of pod \(uid) does not run")
        }
        do { return try execution(of: child, streams, withInput: input) } catch { throw PodRuntimeError(of: error) }
    }

    private nonisolated func execution(
        of child: consuming Child, _ streams: ExecutionStreams, withInput input: Bool
    ) throws(KernelError) -> ContainerExecution {
        let process = SharedDescriptor(try child.process.duplicate())
        let master: SharedDescriptor? =
            switch child.takeTerminal() {
            case .some(let master): SharedDescriptor(master)
            case .none: nil
            }
        if let master { try master.descriptor.setNonBlocking() }
        child.detach()
        return ContainerExecution(
            process: process, input: input ? master ?? streams.input : nil, output: master ?? streams.output,
            error: master == nil ? streams.error : nil, terminal: master, threads: threads)
    }
}

/// The two sides of a command's streams.
private struct ExecutionStreams: Sendable {
    let theirs: Streams
    let input: SharedDescriptor?
    let output: SharedDescriptor
    let error: SharedDescriptor

    init(withInput: Bool) throws(KernelError) {
        let (output, outputEnd) = try Self.pipe()
        let (error, errorEnd) = try Self.pipe()
        self.output = output
        self.error = error
        var theirs = Streams(input: .null, output: .shared(outputEnd), error: .shared(errorEnd))
        if withInput {
            let (end, input) = try Self.pipe()
            theirs.input = .shared(end)
            self.input = input
            try input.descriptor.setNonBlocking()
        } else {
            input = nil
        }
        self.theirs = theirs
        try output.descriptor.setNonBlocking()
        try error.descriptor.setNonBlocking()
    }

    private static func pipe() throws(KernelError) -> (reading: SharedDescriptor, writing: SharedDescriptor) {
        let pipe = try Pipe()
        return (
            SharedDescriptor(try pipe.reading.duplicate()), SharedDescriptor(try pipe.writing.duplicate())
        )
    }
}
