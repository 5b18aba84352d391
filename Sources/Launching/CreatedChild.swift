// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import Cgroups
public import LinuxKernel
public import SystemPackage

/// A child that is ready to execute its command, and waits to be told: what an OCI runtime's `create` leaves.
///
/// Everything up to the pause is done, and would have been thrown; the system call filter, which could forbid the waiting,
/// and the exec are left. Dropped, it is killed and reaped; its process shows a copy of the caller's memory to nobody.
public struct CreatedChild: ~Copyable, Sendable {
    /// The process id in the caller's pid namespace: the command's, or its init's under a reaper.
    public var pid: Int32 { birth.child.pid }
    /// Optional steps that failed: level in, status out.
    public var passedOver: [LaunchError] { birth.child.passedOver }
    /// What took another way than usual.
    public var detours: Set<StartDetour> { birth.child.detours }

    private let launch: Launch
    private var birth: Birth
    private var socket: StartSocket?

    init(_ launch: Launch, _ birth: consuming Birth, socket: consuming StartSocket?) {
        self.launch = launch
        self.birth = birth
        self.socket = socket
    }

    /// Takes the master of the command's pseudo-terminal; nil when there is none, or it was taken.
    public mutating func takeTerminal() -> Descriptor? { birth.child.takeTerminal() }

    /// Sends a signal to what waits; false when it has ended.
    @discardableResult
    public borrowing func send(signal: Int32) throws(KernelError) -> Bool { try birth.child.send(signal: signal) }

    /// Executes the command. A failure of it is thrown, and nothing is left. Of what others have started or ended before
    /// this gives the child, whose end tells what became of it.
    public consuming func start() throws(LaunchError) -> Child {
        let launch = launch
        var birth = birth
        if let channel = birth.channel.take() {
            do throws(LaunchError) { try launch.release(channel) } catch {
                // It did not hear this: somebody else had started it, or ended it, before. Its end tells.
                guard error.failure.errno == .connectionReset else { throw error }
            }
        }
        return birth.intoChild()
    }

    /// Leaves it waiting for whoever can connect to its socket (``Launch/startCreated(at:)``); the socket's file is then
    /// that one's to remove. Without a socket nobody could start it, and it ends with the caller's end of the channel: then
    /// this kills it.
    public consuming func leave() {
        guard let socket = socket.take() else { return }
        socket.keep()
        birth.intoChild().detach()
    }
}

extension Launch {
    /// Does everything up to the exec, and pauses: ``CreatedChild/start()`` goes on.
    public func create() throws(LaunchError) -> CreatedChild { try create(Placement(self), startedAt: nil) }

    /// The same as a member of a cgroup, in which the pause can be counted, frozen and killed.
    ///
    /// - Parameters:
    ///   - cgroup: where it is born.
    ///   - path: where others may start it too, or only others after ``CreatedChild/leave()``: a socket that is made there,
    ///     for the caller's user only. A path of at most 107 bytes that does not exist yet.
    public func create(
        in cgroup: borrowing Cgroup, startedAt path: FilePath? = nil
    ) throws(LaunchError) -> CreatedChild {
        try create(Placement(self, cgroup: cgroup.directory.number), startedAt: path)
    }

    /// The same in the caller's cgroup, where others may start it.
    public func create(startedAt path: FilePath) throws(LaunchError) -> CreatedChild {
        try create(Placement(self), startedAt: path)
    }

    /// The same in namespaces that it shares with others.
    public func create(
        in cgroup: borrowing Cgroup, sharing namespaces: borrowing SharedNamespaces, startedAt path: FilePath? = nil
    ) throws(LaunchError) -> CreatedChild {
        try create(Placement(self, cgroup: cgroup.directory.number, namespaces), startedAt: path)
    }

    private func create(_ placement: Placement, startedAt path: FilePath?) throws(LaunchError) -> CreatedChild {
        var socket: StartSocket?
        if let path {
            do { socket = try StartSocket(at: path) } catch { throw LaunchError(.prepare, error) }
        }
        let listener: SharedDescriptor? =
            switch socket {
            case .some(let socket): socket.listener
            case .none: nil
            }
        let birth = try clone(
            placement, flags: BK_LAUNCH_PAUSE.rawValue | BK_LAUNCH_OWN_MEMORY.rawValue, listener: listener
        ) { (_) throws(LaunchError) in }
        return CreatedChild(self, birth, socket: socket)
    }

    /// Starts what another process created from the same plan and left, and hears what comes of it. `ECONNREFUSED` says
    /// that nobody waits there any more.
    ///
    /// The child stays its creator's, or the one's who adopted it: it is watched by a process descriptor.
    public func startCreated(at path: FilePath) throws(LaunchError) {
        let number = unsafe bk_connect(path.string)
        guard number >= 0 else {
            let errno = Errno(rawValue: -number)
            throw LaunchError(
                .pause,
                KernelError(
                    "connect", path.string, errno: errno,
                    hint: errno == .connectionRefused || errno == .noSuchFileOrDirectory
                        ? "nothing that was created waits there: it was started, or has ended" : nil))
        }
        try release(Descriptor(owning: number))
    }

    /// Lets a paused child go, and hears what comes of it.
    func release(_ channel: consuming Descriptor) throws(LaunchError) {
        try letGo(channel)
        var none: Descriptor?
        while let report = try nextReport(on: channel, &none) {
            guard report.error != 0 else { continue }
            throw failure(report) { KernelError("mount", "entry \($0)", errno: $1) }
        }
    }
}

/// The socket at which a created child waits. Its file goes with this value, unless it is kept.
struct StartSocket: ~Copyable, Sendable {
    let listener: SharedDescriptor
    private let path: FilePath
    private var isKept = false

    init(at path: FilePath) throws(KernelError) {
        let number = unsafe bk_listen(path.string)
        guard number >= 0 else {
            throw KernelError(
                "bind", path.string, errno: Errno(rawValue: -number),
                hint: number == -Errno.fileNameTooLong.rawValue ? "a socket's path has at most 107 bytes" : nil)
        }
        listener = SharedDescriptor(Descriptor(owning: number))
        self.path = path
    }

    consuming func keep() { isKept = true }

    deinit {
        if !isKept { _ = unsafe bk_remove_socket(path.string) }
    }
}
