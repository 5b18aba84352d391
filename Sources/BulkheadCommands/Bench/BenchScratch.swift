// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// A folder of our own for trees and mount points; what is in it is unmounted and removed when the value goes out of
/// scope. It is locked meanwhile: a folder that nobody has locked is left over from a run that was killed, and the next run in
/// that place removes it.
struct BenchScratch: ~Copyable {
    /// The names of places in it where something may be mounted.
    static let mountPoint = "mounted"
    private static let prefix = "bulkhead-bench-"

    let directory: Descriptor
    let path: FilePath
    private let parent: Descriptor
    private let name: String
    /// Held open for its lock.
    private let lock: Descriptor?
    /// Whether all of it goes away with its file system, so that nobody has to empty it.
    let isDisposable: Bool

    /// - Parameters:
    ///   - folder: where it is made.
    ///   - isDisposable: whether it goes away with its file system.
    init(in folder: FilePath, isDisposable: Bool = false) throws {
        // Paths are printed into a peer's configuration and unmounted by name, so they are absolute.
        let parent = try Descriptor.open(folder, [.path, .directory])
        let absolute = FilePath(parent.name)
        if !isDisposable { Self.sweep(folder) }
        for attempt in 0..<100 {
            let name = Self.prefix + "\(processID)" + (attempt == 0 ? "" : "-\(attempt)")
            guard try parent.makeDirectory(name) else { continue }
            let lock = try parent.open(name, [.reading, .directory])
            // Whoever sweeps may have been between the two, and has removed it then.
            guard try lock.lockDirectory(), try lock.status().links > 0 else { continue }
            let directory = try parent.open(name, [.path, .directory])
            try directory.makeDirectory(Self.mountPoint)
            self.directory = directory
            path = absolute.appending(name)
            self.name = name
            self.parent = parent
            self.lock = isDisposable ? nil : consume lock
            self.isDisposable = isDisposable
            return
        }
        throw KernelError("mkdirat", Self.prefix + "\(processID)", in: absolute.string, errno: .fileExists)
    }

    /// A disposable one that is there already, after its file system was mounted anew.
    init(reopening path: FilePath) throws {
        let parent = try Descriptor.open(path.removingLastComponent(), [.path, .directory])
        let name = path.lastComponent?.string ?? ""
        let directory = try parent.open(name, [.path, .directory])
        self.name = name
        self.directory = directory
        self.parent = parent
        self.path = path
        lock = nil
        isDisposable = true
    }

    /// Removes what runs left that were killed: our own folders that nobody has locked.
    private static func sweep(_ folder: FilePath) {
        guard let place = try? Descriptor.open(folder, [.reading, .directory]), let names = try? place.entries() else {
            return
        }
        for name in names where name.hasPrefix(prefix) {
            guard let found = try? place.open(name, [.reading, .directory]), let status = try? found.status(),
                status.uid == effectiveUserID, (try? found.lockDirectory()) == true
            else { continue }
            try? empty(found)
            try? place.removeDirectory(name)
        }
    }

    deinit {
        while (try? MountCall.detach(path.appending(Self.mountPoint).string)) != nil {}
        if isDisposable { return }
        try? Self.empty(directory)
        try? parent.removeDirectory(name)
    }

    /// The file system of the folder.
    var fileSystem: String { (try? directory.fileSystem())?.description ?? "unknown" }

    /// Removes everything beneath a directory, crossing no mount and following no link.
    static func empty(_ directory: borrowing Descriptor) throws(KernelError) {
        for name in try directory.entries() {
            if try directory.status(of: name).isDirectory {
                try empty(try directory.open(name, [.path, .directory]))
                try directory.removeDirectory(name)
            } else {
                try directory.removeFile(name)
            }
        }
    }
}

/// A tree of empty files, a hundred in a directory, all of one owner.
struct BenchTree: ~Copyable {
    static let name = "tree"
    static let filesInDirectory = 100

    let directory: Descriptor
    let path: FilePath
    let files: Int
    private let scratch: Descriptor
    private let name: String
    private let isDisposable: Bool

    /// Makes the tree; when that fails half-way (a full disk), what there is of it is removed.
    ///
    /// - Parameters:
    ///   - files: how many.
    ///   - name: the name of its root.
    ///   - scratch: where.
    ///   - made: called now and then with the number of files made so far.
    static func make(
        files: Int, named name: String = Self.name, in scratch: borrowing BenchScratch,
        made: (Int) throws -> Void = { _ in }
    ) throws -> BenchTree {
        try scratch.directory.makeDirectory(name)
        let tree = try BenchTree(reopening: name, files: files, in: scratch)
        try tree.fill(made)
        return tree
    }

    /// A tree that is there already.
    init(reopening name: String = Self.name, files: Int, in scratch: borrowing BenchScratch) throws {
        let parent = try scratch.directory.duplicate()
        let directory = try parent.open(name, [.path, .directory])
        self.scratch = parent
        self.directory = directory
        path = scratch.path.appending(name)
        self.files = files
        isDisposable = scratch.isDisposable
        self.name = name
    }

    private borrowing func fill(_ made: (Int) throws -> Void) throws {
        for first in stride(from: 0, to: files, by: Self.filesInDirectory) {
            let name = Self.directoryName(of: first)
            try directory.makeDirectory(name)
            let inner = try directory.open(name, [.path, .directory])
            for index in first..<min(first + Self.filesInDirectory, files) {
                _ = try inner.open("\(index)", [.create, .exclusive, .writing], mode: 0o644)
            }
            if first % 5000 == 0 { try made(first) }
        }
    }

    deinit {
        if isDisposable { return }
        try? BenchScratch.empty(directory)
        try? scratch.removeDirectory(name)
    }

    static func directoryName(of file: Int) -> String { "d\(file / filesInDirectory)" }

    /// How many inodes a tree of so many files has.
    static func inodes(of files: Int) -> Int { files + (files + filesInDirectory - 1) / filesInDirectory + 1 }

    /// Throws unless the tree's root and some of its files belong to an id, seen from a directory that shows the tree: the
    /// first and the last, or all of them, of a large tree some thousands.
    func check(owner: UInt32, seenFrom root: borrowing Descriptor, all: Bool) throws {
        let seen = try root.status()
        guard seen.uid == owner, seen.gid == owner else { throw Self.wrong(".", seen, owner) }
        let step = all ? max(1, files / 5000) : max(1, files - 1)
        for file in stride(from: 0, to: files, by: step) {
            let name = "\(Self.directoryName(of: file))/\(file)"
            let seen = try root.status(of: name)
            guard seen.uid == owner, seen.gid == owner else { throw Self.wrong(name, seen, owner) }
        }
    }

    private static func wrong(_ name: String, _ seen: FileStatus, _ owner: UInt32) -> BenchWrong {
        BenchWrong(description: "\(name) belongs to \(seen.uid):\(seen.gid), not to \(owner):\(owner)")
    }
}

/// A method did not do what it should: no number of this run is worth anything.
struct BenchWrong: Error, CustomStringConvertible {
    var description: String
    init(description: String) { self.description = "the result is wrong: \(description)" }
}
