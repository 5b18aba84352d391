// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// A folder of our own for trees and mount points; what is in it is unmounted and removed when the value goes out of
/// scope.
struct BenchScratch: ~Copyable {
    /// The names of places in it where something may be mounted.
    static let mountPoint = "mounted"
    static let tmpfsPoint = "tmpfs"

    let directory: Descriptor
    let path: FilePath
    private let parent: Descriptor
    private let name: String

    init(in folder: FilePath) throws {
        // Paths are printed into a peer's configuration and unmounted by name, so they are absolute.
        let parent = try Descriptor.open(folder, [.path, .directory])
        let absolute = FilePath(parent.name)
        var name = "bulkhead-bench-\(processID)"
        var attempt = 0
        while try !parent.makeDirectory(name) {
            attempt += 1
            guard attempt < 100 else {
                throw KernelError("mkdirat", name, in: absolute.string, errno: .fileExists)
            }
            name = "bulkhead-bench-\(processID)-\(attempt)"
        }
        let directory = try parent.open(name, [.path, .directory])
        try directory.makeDirectory(Self.mountPoint)
        self.directory = directory
        path = absolute.appending(name)
        self.name = name
        self.parent = parent
    }

    deinit {
        for point in [Self.mountPoint, Self.tmpfsPoint] {
            while (try? MountCall.detach(path.appending(point).string)) != nil {}
        }
        try? Self.empty(directory)
        try? parent.removeDirectory(name)
    }

    /// The file system of the folder.
    var fileSystem: String { (try? directory.fileSystem())?.description ?? "unknown" }

    /// Mounts a new tmpfs in the folder: its path.
    func mountTmpfs() throws -> FilePath {
        try directory.makeDirectory(Self.tmpfsPoint)
        let tree = try MountCall.newFileSystem("tmpfs", options: [("mode", "0755")])
        try MountCall.attach(tree, at: try directory.open(Self.tmpfsPoint, .path))
        return path.appending(Self.tmpfsPoint)
    }

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

    /// Makes the tree; when that fails half-way (a full disk), what there is of it is removed.
    static func make(files: Int, in scratch: borrowing BenchScratch) throws -> BenchTree {
        let tree = try BenchTree(emptyFor: files, in: scratch)
        try tree.fill()
        return tree
    }

    private init(emptyFor files: Int, in scratch: borrowing BenchScratch) throws {
        let parent = try scratch.directory.duplicate()
        try parent.makeDirectory(Self.name)
        let directory = try parent.open(Self.name, [.path, .directory])
        self.scratch = parent
        self.directory = directory
        path = scratch.path.appending(Self.name)
        self.files = files
    }

    private borrowing func fill() throws {
        for first in stride(from: 0, to: files, by: Self.filesInDirectory) {
            let name = Self.directoryName(of: first)
            try directory.makeDirectory(name)
            let inner = try directory.open(name, [.path, .directory])
            for index in first..<min(first + Self.filesInDirectory, files) {
                _ = try inner.open("\(index)", [.create, .exclusive, .writing], mode: 0o644)
            }
        }
    }

    deinit {
        try? BenchScratch.empty(directory)
        try? scratch.removeDirectory(Self.name)
    }

    /// Files and directories.
    var inodes: Int { files + (files + Self.filesInDirectory - 1) / Self.filesInDirectory + 1 }

    static func directoryName(of file: Int) -> String { "d\(file / filesInDirectory)" }

    /// Throws unless the tree's root and some of its files, or all of them, belong to an id, seen from a directory that
    /// shows the tree.
    func check(owner: UInt32, seenFrom root: borrowing Descriptor, all: Bool) throws {
        let seen = try root.status()
        guard seen.uid == owner, seen.gid == owner else { throw Self.wrong(".", seen, owner) }
        let step = all ? 1 : max(1, files - 1)
        for file in stride(from: 0, to: files, by: step) {
            let name = "\(Self.directoryName(of: file))/\(file)"
            let seen = try root.status(of: name)
            guard seen.uid == owner, seen.gid == owner else { throw Self.wrong(name, seen, owner) }
        }
    }

    private static func wrong(_ name: String, _ seen: FileStatus, _ owner: UInt32) -> ToolFailure {
        ToolFailure(
            .failed, "the result is wrong: \(name) belongs to \(seen.uid):\(seen.gid), not to \(owner):\(owner)")
    }
}
