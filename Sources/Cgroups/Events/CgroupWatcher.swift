// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// Watches any number of cgroups for changes of their notifying files, woken by the kernel.
///
/// One `epoll` for all cgroups, over kept descriptors of their files (`EPOLLPRI`). The kernel wakes no sleeper in `epoll`
/// when a cgroup is removed; that is told by one `inotify` instance for all of them, on their parents (a user has few:
/// `fs.inotify.max_user_instances`). Where there is none left, removals are looked for once a second.
///
/// `wait` blocks the calling thread; `CgroupChanges` is the same as an AsyncSequence. Closing is structural: the
/// descriptors are closed when the watcher goes out of scope.
public struct CgroupWatcher: ~Copyable, Sendable {
    private let queue: ReadinessQueue
    private let stop: WakeUp
    private var lookout: RemovalLookout
    private var watched: [UInt64: WatchedCgroup] = [:]
    private var lastNumber: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: 4096)

    private static let stopToken = UInt64.max
    private static let removalToken = UInt64.max - 1

    /// A watcher of no cgroup yet.
    public init() throws(KernelError) {
        let queue = try ReadinessQueue()
        let stop = try WakeUp()
        try queue.add(stop.number, for: .readable, token: Self.stopToken)
        let lookout = RemovalLookout()
        if let number = lookout.number { try queue.add(number, for: .readable, token: Self.removalToken) }
        self.queue = queue
        self.stop = stop
        self.lookout = lookout
    }

    /// Raised from any thread, it ends every wait, now and later.
    var stopping: WakeUp { stop }

    /// Whether any cgroup is left to watch.
    public var isEmpty: Bool { watched.isEmpty }

    /// Watches one more cgroup, from its state of now on. The handle may be closed afterwards.
    @discardableResult
    public mutating func add(_ cgroup: borrowing Cgroup) throws(KernelError) -> CgroupWatch {
        lastNumber += 1
        let number = lastNumber
        // Before the files are opened: removed in between it is either told, or seen here.
        lookout.add(number, cgroup)
        do { return try addFiles(of: cgroup, number) } catch {
            lookout.remove(number)
            throw error
        }
    }

    private mutating func addFiles(
        of cgroup: borrowing Cgroup, _ number: UInt64
    ) throws(KernelError) -> CgroupWatch {
        var descriptors = DescriptorList()
        var files: [CgroupFile] = []
        var state = CgroupState()
        for file in CgroupState.files {
            do { _ = descriptors.append(try cgroup.directory.open(file.name, .reading)) } catch {
                // A file of a controller that is not enabled, or newer than the kernel. Without cgroup.events it is
                // the cgroup that is gone, or the root of the tree.
                if error.errno == .noSuchFileOrDirectory, file.name != StatusFile.events.file.name { continue }
                throw cgroup.gone(error.placed(in: cgroup.location))
            }
            files.append(file)
            // Reading also arms the descriptor: what changes from here on is reported.
            let count = descriptors.read(files.count - 1, into: &buffer, 0..<buffer.count)
            guard count >= 0 else {
                throw cgroup.gone(
                    KernelError("pread", file.name, in: cgroup.location, errno: Errno(rawValue: CInt(-count))))
            }
            guard state.take(String(decoding: buffer[..<count], as: UTF8.self)[...], of: file) else {
                throw KernelError("pread", file.name, in: cgroup.location, errno: .badMessage)
            }
        }
        for index in files.indices {
            try queue.add(
                descriptors.number(index), for: .priority,
                token: number * UInt64(CgroupState.files.count) + UInt64(index))
        }
        watched[number] = WatchedCgroup(FilePath(cgroup.location), files, descriptors, state)
        return CgroupWatch(number: number)
    }

    /// No longer watches a cgroup; one that is gone is not watched any more by itself.
    public mutating func remove(_ watch: CgroupWatch) { forget(watch.number) }

    private mutating func forget(_ number: UInt64) {
        watched[number] = nil
        lookout.remove(number)
    }

    /// What was last known of a cgroup; nil when it is not watched.
    public func state(of watch: CgroupWatch) -> CgroupState? { watched[watch.number]?.state }

    /// Waits for changes and returns them, one for each cgroup that changed; none when the time passed first, when
    /// nothing is watched or when the waiting was ended from elsewhere.
    public mutating func wait(timeout: Duration? = nil) throws(KernelError) -> [CgroupChange] {
        let deadline = Deadline(after: timeout)
        while !watched.isEmpty {
            let slice = lookout.unseen.isEmpty ? deadline : deadline.orSooner(.seconds(1))
            var tokens = try queue.wait(timeoutMilliseconds: slice.milliseconds)
            if tokens.contains(Self.stopToken) { return [] }
            var looked = tokens.isEmpty ? lookout.unseen : []
            if tokens.contains(Self.removalToken) {
                tokens.removeAll { $0 == Self.removalToken }
                looked.formUnion(try lookout.takeCandidates())
            }
            var changes: [CgroupChange] = []
            let filesEach = UInt64(CgroupState.files.count)
            // The first file of each is cgroup.events; a look at it tells of a removal.
            tokens += looked.map { $0 * filesEach }
            for (number, tokens) in Dictionary(grouping: tokens, by: { $0 / filesEach }).sorted(by: { $0.key < $1.key })
            {
                // A token of a cgroup that was taken out a moment ago means nothing.
                guard let cgroup = watched[number] else { continue }
                let before = cgroup.state
                let after = try cgroup.read(tokens.map { Int($0 % filesEach) }, &buffer)
                if after.isGone { forget(number) } else { watched[number]?.state = after }
                guard after != before else { continue }
                changes.append(
                    CgroupChange(path: cgroup.path, watch: CgroupWatch(number: number), before: before, after: after))
            }
            if !changes.isEmpty || deadline.passed { return changes }
        }
        return []
    }
}

/// One of the cgroups of a watcher: its files, kept open, and what they held last.
private struct WatchedCgroup: Sendable {
    let path: FilePath
    var state: CgroupState
    private let files: [CgroupFile]
    private let held: HeldDescriptors

    init(_ path: FilePath, _ files: [CgroupFile], _ descriptors: consuming DescriptorList, _ state: CgroupState) {
        self.path = path
        self.files = files
        self.state = state
        held = HeldDescriptors(descriptors)
    }

    /// Reads files again; the state after that.
    func read(_ indices: [Int], _ buffer: inout [UInt8]) throws(KernelError) -> CgroupState {
        var state = state
        for index in indices where files.indices.contains(index) {
            let count = held.descriptors.read(index, into: &buffer, 0..<buffer.count)
            if count == -Int(Errno.noSuchDevice.rawValue) {
                state.isGone = true
                continue
            }
            guard count >= 0 else {
                throw KernelError("pread", files[index].name, in: path.string, errno: Errno(rawValue: CInt(-count)))
            }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            guard state.take(text[...], of: files[index]) else {
                throw KernelError(
                    "pread", files[index].name, value: text.trimmingNewline, in: path.string, errno: .badMessage)
            }
        }
        return state
    }
}

/// Descriptors in a dictionary, which takes no value with one owner.
private final class HeldDescriptors: Sendable {
    let descriptors: DescriptorList
    init(_ descriptors: consuming DescriptorList) { self.descriptors = descriptors }
}
