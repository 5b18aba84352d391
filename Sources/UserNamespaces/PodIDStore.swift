// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// The ids of a node's pods, kept on disk in the kubelet's form: a file `userns` in each pod's directory, so that whoever
/// comes after a restart finds every pod with the ids it had.
///
/// Several processes and threads may give and take at once: each change holds a lock on `userns.lock` beside the pods'
/// directories, reads what is there, and replaces one file by renaming a finished one. Killed at any instant, a pod has
/// its block or has none. A kubelet itself keeps its own book in memory: do not run one on the same directory.
///
/// What a pod holds is a file; what a run holds for its own life is an ``IDRangeClaim``. A store that is told the claims'
/// lock file gives no pod what a run holds at that moment.
public struct PodIDStore: ~Copyable, Sendable {
    /// The rules, without pods.
    public let rules: PodIDRanges
    private let root: Descriptor
    private let claims: FilePath?

    private static let lockName = "userns.lock"
    private static let unfinishedName = ".userns.new"

    /// Opens the store beneath a kubelet's root directory, such as `/var/lib/kubelet`, and reads it: a file that a kubelet
    /// would refuse to start with is an error here, too.
    ///
    /// - Parameters:
    ///   - root: the directory that has, or gets, the directory `pods`.
    ///   - rules: the node's ids; the pods in it are not looked at.
    ///   - claims: the lock file of ``IDRangeClaim``s that are not to be given to pods.
    public init(at root: FilePath, rules: PodIDRanges, claims: FilePath? = nil) throws(PodIDStoreError) {
        let directory = try asStoreError { () throws(KernelError) in
            let directory = try Descriptor.open(root, [.path, .directory])
            try directory.makeDirectory("pods", mode: 0o750)
            return directory
        }
        let store = PodIDStore(root: directory, rules: rules, claims: claims)
        _ = try store.withLock { (store) throws(PodIDStoreError) in try store.read() }
        self = store
    }

    private init(root: consuming Descriptor, rules: PodIDRanges, claims: FilePath?) {
        self.root = root
        self.rules = rules
        self.claims = claims
    }

    /// The map of a pod: that of its file, or of a free block that is its own from now on.
    public borrowing func map(of pod: String) throws(PodIDStoreError) -> IDMap {
        try Self.check(pod)
        let block = try withLock { (store) throws(PodIDStoreError) -> IDRange in
            var state = try store.read()
            if let present = state.block(of: pod) { return present }
            var held: IDRangeClaim?
            var failure: KernelError?
            let block: IDRange
            do throws(PodIDRangeError) {
                block = try state.allocate(pod) { candidate in
                    guard let claims = store.claims, failure == nil else { return failure == nil }
                    do throws(KernelError) { held = try IDRangeClaim(of: candidate, lockFile: claims) } catch {
                        failure = error
                    }
                    return held != nil
                }
            } catch { throw failure.map(PodIDStoreError.kernel) ?? .range(error, file: nil) }
            // Until the file is there, the claim keeps runs off the block.
            defer { _ = held.take() }
            try asStoreError { () throws(KernelError) in try store.write(PodIDFile(block: block), of: pod) }
            return block
        }
        do throws(IDMapError) { return try IDMap(outside: block.first, count: block.count) } catch {
            throw .map(error, pod: pod)
        }
    }

    /// The pods that have a block, and which.
    public borrowing func pods() throws(PodIDStoreError) -> PodIDRanges {
        try withLock { (store) throws(PodIDStoreError) in try store.read() }
    }

    /// Takes a pod's block back; false when it has none. Its directory goes too, when it is empty.
    @discardableResult
    public borrowing func release(_ pod: String) throws(PodIDStoreError) -> Bool {
        try Self.check(pod)
        return try withLock { (store) throws(PodIDStoreError) in
            try asStoreError { () throws(KernelError) in try store.remove(pod) }
        }
    }

    /// Takes back what belongs to no pod: blocks of pods that are neither known nor running. Which, is the answer.
    public borrowing func removeOrphans(
        known: Set<String>, running: Set<String>
    ) throws(PodIDStoreError) -> [String] {
        try withLock { (store) throws(PodIDStoreError) in
            let state = try store.read()
            let orphans = state.orphans(onDisk: Set(state.pods.keys), known: known, running: running)
            try asStoreError { () throws(KernelError) in
                for pod in orphans { _ = try store.remove(pod) }
                // What a writer that was killed left of pods that got no ids.
                for pod in try store.root.open("pods", [.reading, .directory]).entries()
                where !known.contains(pod) && !running.contains(pod) { store.removeUnfinished(pod) }
            }
            return orphans
        }
    }

    private static func check(_ pod: String) throws(PodIDStoreError) {
        if pod.isEmpty || pod == "." || pod == ".." || pod.utf8.contains(UInt8(ascii: "/")) || pod.utf8.contains(0) {
            throw .range(.wrongPodName(pod), file: nil)
        }
    }
}

// MARK: - The files

extension PodIDStore {
    private borrowing func withLock<Answer>(
        _ body: (borrowing PodIDStore) throws(PodIDStoreError) -> Answer
    ) throws(PodIDStoreError) -> Answer {
        let lock = try asStoreError { () throws(KernelError) in
            let lock = try root.open(Self.lockName, [.create, .writing, .noFollow], mode: 0o600)
            try lock.waitForLock(from: 0, length: 1)
            return lock
        }
        defer { lock.unlock(from: 0, length: 1) }
        return try body(self)
    }

    /// Every pod's block, from the files. Missing and empty files are pods of the host's user namespace.
    private borrowing func read() throws(PodIDStoreError) -> PodIDRanges {
        var state = rules
        let pods = try asStoreError { () throws(KernelError) in try root.open("pods", [.reading, .directory]) }
        let names = try asStoreError { () throws(KernelError) in try pods.entries().sorted() }
        for name in names {
            let file = "pods/\(name)/\(PodIDFile.name)"
            let text: String
            do throws(KernelError) {
                text = try pods.open("\(name)/\(PodIDFile.name)", [.reading, .nonBlocking]).readText()
            } catch {
                if [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) { continue }
                throw .kernel(error)
            }
            if text.allSatisfy(\.isWhitespace) { continue }
            do throws(PodIDRangeError) { try state.record(name, PodIDFile(parsing: text).block()) } catch {
                throw .range(error, file: file)
            }
        }
        return state
    }

    /// Under another name first, and on the disk before it takes the file's: nobody ever reads half a file.
    private borrowing func write(_ file: PodIDFile, of pod: String) throws(KernelError) {
        let pods = try root.open("pods", [.reading, .directory])
        let isNew = try pods.makeDirectory(pod, mode: 0o750)
        do throws(KernelError) {
            let directory = try pods.open(pod, [.reading, .directory])
            let temporary = Self.unfinishedName
            do throws(KernelError) {
                let new = try directory.open(temporary, [.create, .truncate, .writing, .noFollow], mode: 0o644)
                try new.write(Array(file.description.utf8))
                try new.synchronize()
                try directory.rename(temporary, to: PodIDFile.name)
            } catch {
                try? directory.removeFile(temporary)
                throw error
            }
            try directory.synchronize()
            if isNew { try pods.synchronize() }
        } catch {
            if isNew { try? pods.removeDirectory(pod) }
            throw error
        }
    }

    private borrowing func remove(_ pod: String) throws(KernelError) -> Bool {
        let pods = try root.open("pods", [.reading, .directory])
        do throws(KernelError) {
            let directory = try pods.open(pod, [.reading, .directory])
            try directory.removeFile(PodIDFile.name)
            try directory.synchronize()
            try? directory.removeFile(Self.unfinishedName)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return false
        }
        try? pods.removeDirectory(pod)
        return true
    }

    private borrowing func removeUnfinished(_ pod: String) {
        guard let pods = try? root.open("pods", [.reading, .directory]),
            let directory = try? pods.open(pod, [.reading, .directory]),
            (try? directory.removeFile(Self.unfinishedName)) != nil
        else { return }
        try? pods.removeDirectory(pod)
    }
}

private func asStoreError<Answer: ~Copyable>(
    _ body: () throws(KernelError) -> Answer
) throws(PodIDStoreError) -> Answer {
    do { return try body() } catch { throw .kernel(error) }
}

/// Why a pod's ids cannot be given, kept or taken.
public enum PodIDStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case kernel(KernelError)
    /// The rules forbid it, or a file breaks them.
    case range(PodIDRangeError, file: String?)
    /// The block makes no map.
    case map(IDMapError, pod: String)

    /// What is wrong, and in which file.
    public var description: String {
        switch self {
        case .kernel(let error): "\(error)"
        case .range(let error, let file): (file.map { "\($0): " } ?? "") + "\(error)"
        case .map(let error, let pod): "pod \(pod): \(error)"
        }
    }
}
