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
    /// Holds the lock as long as it is open.
    private let lock: Descriptor
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
            lock = try folder.open("lock", [.readingAndWriting, .create], mode: 0o600)
            guard try lock.lock(from: 0, length: 1) else {
                let holder = (try? lock.readText())?.trimmingNewline ?? ""
                throw StateError(
                    "the folder of state \(path) is in use by another agent"
                        + (holder.isEmpty ? "" : ", process \(holder)"))
            }
            // For the message above only; what counts is the lock, which ends with its holder.
            let own = try folder.open("lock", [.writing, .truncate])
            try own.write(Array("\(getpid())\n".utf8))
            for name in try folder.entries() where name.hasSuffix(Self.unfinished) { try folder.removeFile(name) }
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError("the folder of state cannot be used: \(error)")
        }
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
