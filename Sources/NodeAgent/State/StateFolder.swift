// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxKernel
internal import Synchronization
package import SystemPackage

/// The folder that an agent keeps its records in, with mode 0700: they hold the environments of containers.
///
/// A record is written to a file of another name, synchronised, renamed, and then the folder is synchronised: after a kill or
/// a loss of power at any instant it is the old one or the new one. One agent at a time has the folder.
package final class StateFolder: RecordFiles {
    private let folder: Descriptor
    /// Holds the lock as long as it is open. The lock is the process's own: what it starts may outlive it, and must not keep the
    /// next agent out.
    private let lock: Descriptor
    private let place: Place
    private let counter = Mutex(0)

    /// Opens the folder, which is made if it is not there, and takes its lock.
    package init(_ path: FilePath) throws(StateError) {
        do {
            try Self.make(path)
            folder = try Descriptor.open(path, [.directory, .reading])
            let status = try folder.status()
            if status.mode & 0o077 != 0 {
                throw StateError("the folder of state \(path) is open to others (its mode is to be 0700)")
            }
            place = try Place(status, path)
            lock = try folder.open("lock", [.readingAndWriting, .create], mode: 0o600)
            if let holder = try lock.lockForProcess() { throw Self.inUse(path, holder) }
            for name in try folder.entries() where name.hasSuffix(Self.unfinished) { try folder.removeFile(name) }
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError("the folder of state cannot be used: \(error)")
        }
    }

    private static func inUse(_ path: FilePath, _ holder: Int32) -> StateError {
        StateError(
            "the folder of state \(path) is in use by another agent" + (holder == 0 ? "" : ", process \(holder)"))
    }

    /// A folder that an agent of this process has: the kernel lets a process take its own lock twice.
    private final class Place: Sendable {
        private struct Inode: Hashable {
            var major: UInt32
            var minor: UInt32
            var number: UInt64
        }
        private static let taken = Mutex<Set<Inode>>([])
        private let inode: Inode

        init(_ status: FileStatus, _ path: FilePath) throws(StateError) {
            let inode = Inode(major: status.device.major, minor: status.device.minor, number: status.inode)
            guard Self.taken.withLock({ $0.insert(inode).inserted }) else { throw inUse(path, getpid()) }
            self.inode = inode
        }
        deinit { _ = Self.taken.withLock { $0.remove(inode) } }
    }

    private static let unfinished = ".new"
    private static let suffix = ".json"

    private static func make(_ path: FilePath) throws(KernelError) {
        guard let name = path.lastComponent?.string else { return }
        let parent = path.removingLastComponent()
        let above = try Descriptor.open(parent.isEmpty ? "." : parent, [.directory, .path])
        try above.makeDirectory(name, mode: 0o700)
    }

    package func names() throws(StateError) -> [String] {
        try attempt { () throws(KernelError) in
            try folder.entries().filter { $0.hasSuffix(Self.suffix) }.map { String($0.dropLast(Self.suffix.count)) }
                .sorted()
        }
    }

    package func read(_ name: String) throws(StateError) -> [UInt8] {
        try attempt { () throws(KernelError) in
            try folder.open(name + Self.suffix, [.reading, .nonBlocking]).readBytes()
        }
    }

    package func write(_ name: String, _ bytes: [UInt8]) throws(StateError) {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        let draft = "\(name).\(number)\(Self.unfinished)"
        try attempt { () throws(KernelError) in
            do throws(KernelError) {
                let file = try folder.open(draft, [.writing, .create, .truncate], mode: 0o600)
                try file.write(bytes)
                try file.synchronize()
                try folder.rename(draft, to: name + Self.suffix)
            } catch {
                try? folder.removeFile(draft)
                throw error
            }
            try folder.synchronize()
        }
    }

    package func remove(_ name: String) throws(StateError) {
        try attempt { () throws(KernelError) in
            do throws(KernelError) { try folder.removeFile(name + Self.suffix) } catch {
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
            try folder.synchronize()
        }
    }

    package func setAside(_ name: String) throws(StateError) {
        try attempt { () throws(KernelError) in
            try folder.rename(name + Self.suffix, to: name + ".broken")
            try folder.synchronize()
        }
    }

    private func attempt<Value>(_ body: () throws(KernelError) -> Value) throws(StateError) -> Value {
        do { return try body() } catch { throw StateError("\(error)") }
    }
}
