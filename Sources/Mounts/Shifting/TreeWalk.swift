// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization
internal import SystemPackage

/// What is done to each inode of a tree. Methods run on several threads at once; what one of them counts is its own
/// until it is absorbed.
protocol TreeVisitor: Sendable {
    associatedtype Tally: Sendable
    var emptyTally: Tally { get }

    /// A name that is no directory.
    func visit(
        _ entry: DirectoryScan.Entry, _ scan: inout DirectoryScan, in directory: borrowing Descriptor,
        _ tally: inout Tally
    ) throws(KernelError)
    /// The names in the buffer; appends those of directories to the last.
    func visitAll(
        _ scan: inout DirectoryScan, in directory: borrowing Descriptor, at place: SurveyNotes.Place,
        _ directories: inout [UInt8], _ tally: inout Tally
    ) throws(KernelError)
    /// A directory, before what is in it.
    func visit(
        _ directory: borrowing InodeHandle, _ status: InodeStatus, _ tally: inout Tally
    ) throws(KernelError)
    /// A directory that is not entered, for something is mounted on it.
    func passMount(_ tally: inout Tally)
    /// A directory that was gone, or another thing, when it was to be entered.
    func passVanished(_ tally: inout Tally)
    /// Adds what a thread counted to the whole, and empties it.
    func absorb(_ tally: inout Tally)
}

extension TreeVisitor {
    func visitAll(
        _ scan: inout DirectoryScan, in directory: borrowing Descriptor, at place: SurveyNotes.Place,
        _ directories: inout [UInt8], _ tally: inout Tally
    ) throws(KernelError) {
        while let entry = try scan.next() {
            if try scan.isDirectory(entry, in: directory) {
                scan.append(entry, to: &directories)
            } else {
                try visit(entry, &scan, in: directory, &tally)
            }
        }
    }
}

/// A directory that several places refer to.
final class HeldDirectory: Sendable {
    let handle: InodeHandle
    init(_ descriptor: consuming Descriptor) { handle = InodeHandle(descriptor) }
}

/// A walk through everything beneath a directory: each directory is opened beneath the one before it, so no link and no
/// mount leads out of the tree, whatever others do to it meanwhile.
///
/// Threads go depth first, and leave directories to those that have nothing to do. Each keeps the descriptors of the 16
/// innermost levels at most; coming back to an outer one it opens `..` and goes on only if that is the very directory it
/// came from. A level keeps the names of the directories in it that are still to be entered, nothing of the files.
final class TreeWalk<Visitor: TreeVisitor>: Sendable {
    private struct State {
        var waiting: [HeldDirectory] = []
        /// Threads that wait for a byte.
        var sleeping = 0
        /// Directories left to others and not yet walked, and those being walked.
        var open = 0
        var workers = 0
        var failure: KernelError?
    }

    private let visitor: Visitor
    private let jobs: Int
    private let state = Mutex(State())
    private let waiting = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    /// A byte for each thread that is to look again.
    private let wake: Pipe
    /// A byte when the last thread has ended.
    private let ended: Pipe

    private init(_ visitor: Visitor, jobs: Int) throws(KernelError) {
        self.visitor = visitor
        self.jobs = max(1, min(jobs, 64))
        wake = try Pipe()
        ended = try Pipe()
    }

    /// Walks; false when `goesOn`, which is asked ten times a second, said no.
    static func through(
        _ root: HeldDirectory, _ visitor: Visitor, jobs: Int, goesOn: () -> Bool
    ) throws(KernelError) -> Bool {
        let walk = try TreeWalk(visitor, jobs: jobs)
        // A descriptor of its own: one walk reads where the one before it ended.
        walk.leave(HeldDirectory(try root.handle.descriptor.open(".", [.directory, .reading])))
        try walk.startWorkers()
        while true {
            let ready = try poll([walk.ended.reading.number], timeoutMilliseconds: 100)
            if let events = ready.first, !events.isEmpty { break }
            if !goesOn() { walk.isStopped.store(true, ordering: .relaxed) }
        }
        if let failure = walk.state.withLock({ $0.failure }) { throw failure }
        return !walk.isStopped.load(ordering: .relaxed)
    }

    private func startWorkers() throws(KernelError) {
        for number in 0..<jobs {
            state.withLock { $0.workers += 1 }
            do { try startThread { self.work() } } catch {
                state.withLock { $0.workers -= 1 }
                // Fewer threads do as well; without any there is no walk.
                if number == 0 { throw error }
                return
            }
        }
    }

    // MARK: - What is left to others

    private func leave(_ directory: HeldDirectory) {
        waiting.add(1, ordering: .relaxed)
        let wakes = state.withLock { state in
            state.waiting.append(directory)
            state.open += 1
            guard state.sleeping > 0 else { return false }
            state.sleeping -= 1
            return true
        }
        if wakes { try? wake.writing.write([1]) }
    }

    private func take() -> HeldDirectory? {
        while true {
            let (directory, isOver) = state.withLock { state -> (HeldDirectory?, Bool) in
                if let directory = state.waiting.popLast() { return (directory, false) }
                if state.open == 0 { return (nil, true) }
                state.sleeping += 1
                return (nil, false)
            }
            if let directory {
                waiting.subtract(1, ordering: .relaxed)
                return directory
            }
            if isOver { return nil }
            var byte: [UInt8] = [0]
            guard let count = try? wake.reading.read(into: &byte), count == 1 else { return nil }
        }
    }

    private func finishOne(_ failure: KernelError?) {
        if failure != nil { isStopped.store(true, ordering: .relaxed) }
        let sleeping = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            state.open -= 1
            guard state.open == 0 else { return 0 }
            defer { state.sleeping = 0 }
            return state.sleeping
        }
        if sleeping > 0 { try? wake.writing.write([UInt8](repeating: 1, count: sleeping)) }
    }

    private func work() {
        var scan = DirectoryScan()
        var tally = visitor.emptyTally
        while let directory = take() {
            var failure: KernelError?
            do { try walk(directory, &scan, &tally) } catch { failure = error }
            visitor.absorb(&tally)
            finishOne(failure)
        }
        let isLast = state.withLock { state in
            state.workers -= 1
            return state.workers == 0
        }
        if isLast { try? ended.writing.write([1]) }
    }

    // MARK: - Walking

    private struct Level {
        var directory: HeldDirectory?
        let identity: InodeKey
        /// Names, each ended by NUL.
        var names: [UInt8] = []
        var position = 0

        mutating func nextName() -> Int? {
            guard position < names.count else { return nil }
            let start = position
            while names[position] != 0 { position += 1 }
            position += 1
            return start
        }
    }

    private static var keptDescriptors: Int { 16 }

    private func walk(
        _ top: HeldDirectory, _ scan: inout DirectoryScan, _ tally: inout Visitor.Tally
    ) throws(KernelError) {
        if isStopped.load(ordering: .relaxed) { return }
        var levels = [try level(of: top, InodeKey(try top.handle.status()), &scan, &tally)]
        while let last = levels.indices.last {
            if isStopped.load(ordering: .relaxed) { return }
            guard let start = levels[last].nextName(), let directory = levels[last].directory else {
                let left = levels.removeLast()
                try comeBack(from: left, to: &levels)
                continue
            }
            switch try directory.handle.descriptor.enter(levels[last].names, at: start) {
            case .gone: visitor.passVanished(&tally)
            case .mounted: visitor.passMount(&tally)
            case .open(let descriptor):
                let child = HeldDirectory(descriptor)
                let status = try child.handle.status()
                try visitor.visit(child.handle, status, &tally)
                if jobs > 1, waiting.load(ordering: .relaxed) < jobs {
                    leave(child)
                    continue
                }
                levels.append(try level(of: child, InodeKey(status), &scan, &tally))
                let outer = levels.count - 1 - Self.keptDescriptors
                if outer >= 0 { levels[outer].directory = nil }
            }
        }
    }

    private func comeBack(from inner: Level, to levels: inout [Level]) throws(KernelError) {
        guard let outer = levels.indices.last, levels[outer].directory == nil, let directory = inner.directory else {
            return
        }
        let parent = try directory.handle.descriptor.enterParent()
        guard try InodeKey(parent.inodeStatus()) == levels[outer].identity else {
            throw KernelError(
                "openat2", "..", in: directory.handle.descriptor.name, errno: .staleFileHandle,
                hint: "the directory was moved while the tree was walked")
        }
        levels[outer].directory = HeldDirectory(parent)
    }

    /// Visits what is in a directory, but for directories, whose names it keeps.
    private func level(
        of directory: HeldDirectory, _ identity: InodeKey, _ scan: inout DirectoryScan, _ tally: inout Visitor.Tally
    ) throws(KernelError) -> Level {
        var level = Level(directory: directory, identity: identity)
        var place = SurveyNotes.Place(directory: identity, block: 0)
        scan.begin()
        while try scan.fill(from: directory.handle.descriptor) {
            try visitor.visitAll(&scan, in: directory.handle.descriptor, at: place, &level.names, &tally)
            place.block += 1
            visitor.absorb(&tally)
            if isStopped.load(ordering: .relaxed) { break }
        }
        return level
    }
}

extension DirectoryScan {
    /// Whether a name is a directory's, also where the file system does not tell with the name.
    func isDirectory(_ entry: Entry, in directory: borrowing Descriptor) throws(KernelError) -> Bool {
        guard entry.isOfUnknownType else { return entry.isDirectory }
        var status = InodeStatus()
        return try self.status(entry, in: directory, &status) && status.isDirectory
    }
}

/// An inode among all of the machine.
struct InodeKey: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(_ status: InodeStatus) {
        device = status.device
        inode = status.inode
    }
}

extension Errno {
    /// ESTALE.
    static let staleFileHandle = Errno(rawValue: 116)
}
