// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import SystemPackage

/// Everything of an inode that a shift has to change, or to leave alone.
struct InodePicture: Hashable {
    var uid: UInt32
    var gid: UInt32
    var mode: UInt32
    var links: UInt32
    /// Every extended attribute.
    var attributes: [String: [UInt8]]
    /// Content, where it is a file.
    var size: UInt64
    var modified: String
}

/// A tree of everything that a file system can hold.
struct ShiftTree {
    let path: String

    /// A few dozen inodes of each kind in each of `folders` folders, beneath a path of 4,400 bytes too.
    init(_ scratch: Scratch, folders: Int, files: Int = 20, random: inout Randomness) throws {
        path = try scratch.folder("tree")
        let root = try Descriptor.open(FilePath(path), [.directory, .reading])
        for folder in 0..<folders {
            try root.makeDirectory("folder\(folder)")
            let directory = try root.open("folder\(folder)", [.directory, .reading])
            try Self.fill(directory, files: files, &random)
            if folder > 0 { _ = unsafe link("\(path)/folder0/link-target", "\(path)/folder\(folder)/linked") }
        }
        var deep = try root.open(".", [.directory, .reading])
        for level in 0..<22 {
            let name = String(repeating: "d", count: 190) + "\(level)"
            try deep.makeDirectory(name)
            deep = try deep.open(name, [.directory, .reading])
            if level.isMultiple(of: 7) { try Self.fill(deep, files: 3, &random) }
        }
        for level in 0..<40 {
            try deep.makeDirectory("\(level)")
            deep = try deep.open("\(level)", [.directory, .reading])
        }
        try Self.fill(deep, files: 2, &random)
    }

    private static func fill(_ directory: borrowing Descriptor, files: Int, _ random: inout Randomness) throws {
        func owned(_ name: String, mode: UInt32? = nil) throws {
            try directory.changeOwner(of: name, uid: random.next(upTo: 2000), gid: random.next(upTo: 2000))
            if let mode { try InodeHandle(try directory.open(name, [.path, .noFollow])).changeMode(mode) }
        }
        let kept = "/proc/self/fd/\(directory.number)"
        for file in 0..<files {
            _ = try directory.open("file\(file)", [.create, .writing], mode: 0o644)
            try owned("file\(file)", mode: [0o644, 0o600, 0o755, 0o1777][Int(random.next(upTo: 4))])
        }
        for (name, mode) in [("set-uid", 0o4755), ("set-gid", 0o2755), ("both", 0o6711), ("set-gid-only", 0o2640)] {
            _ = try directory.open(name, [.create, .writing], mode: 0o600)
            try owned(name, mode: UInt32(mode))
        }
        for name in ["new\nline", "blank \t ", "-rf", "link-target"] {
            _ = try directory.open(name, [.create, .writing], mode: 0o640)
            try owned(name)
        }
        // Bytes that are no UTF-8.
        let odd: [CChar] = Array("\(kept)/odd-".utf8CString.dropLast()) + [-1, -2, 10, -61, 0]
        close(unsafe open(odd, O_CREAT | O_WRONLY, 0o600))
        unsafe symlink("/etc/passwd", "\(kept)/symlink")
        unsafe symlink("nowhere", "\(kept)/dangling")
        unsafe symlink("..", "\(kept)/up")
        unsafe mkfifo("\(kept)/fifo", 0o600)
        unsafe mknod("\(kept)/socket", S_IFSOCK | 0o600, 0)
        unsafe mknod("\(kept)/null", S_IFCHR | 0o600, 0x103)
        for name in ["symlink", "dangling", "up", "fifo", "socket", "null"] { try owned(name) }
        for (index, root) in [UInt32(0), 7].enumerated() {
            let name = "capable\(index)"
            _ = try directory.open(name, [.create, .writing], mode: 0o755)
            try owned(name, mode: index == 0 ? 0o755 : 0o4755)
            let handle = InodeHandle(try directory.open(name, [.path, .noFollow]))
            try handle.setAttribute("security.capability", to: capability(root: root))
            try handle.setAttribute("trusted.other", to: [1, 2, 3])
        }
        try directory.makeDirectory("listed")
        for (name, attributes) in [
            ("listed", ["system.posix_acl_access", "system.posix_acl_default"]), ("file0", ["system.posix_acl_access"]),
        ] {
            let handle = InodeHandle(try directory.open(name, [.path, .noFollow]))
            for attribute in attributes {
                try handle.setAttribute(
                    attribute, to: list(user: random.next(upTo: 2000), group: random.next(upTo: 2000)))
            }
        }
        try owned("listed", mode: 0o2770)
    }

    /// cap_net_raw+ep, for a root.
    static func capability(root: UInt32) -> [UInt8] {
        let words: [UInt32] = [root == 0 ? 0x0200_0001 : 0x0300_0001, 1 << 13, 0, 0, 0] + (root == 0 ? [] : [root])
        return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    }

    /// user::rwx,user:U:r-x,group::r-x,group:G:rw-,mask::rwx,other::---
    static func list(user: UInt32, group: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [2, 0, 0, 0]
        for (tag, bits, id) in [
            (1, 7, UInt32.max), (2, 5, user), (4, 5, .max), (8, 6, group), (0x10, 7, .max), (0x20, 0, .max),
        ] as [(UInt8, UInt8, UInt32)] {
            bytes += [tag, 0, bits, 0] + (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * UInt32($0))) }
        }
        return bytes
    }

    /// Every name, with its inode as it is.
    func picture() throws -> [[UInt8]: InodePicture] {
        var pictures: [[UInt8]: InodePicture] = [:]
        try Self.forEach(in: try Descriptor.open(FilePath(path), [.directory, .reading]), []) { handle, path in
            pictures[path] = try Self.picture(handle)
        }
        return pictures
    }

    private static let known = [
        "security.capability", "system.posix_acl_access", "system.posix_acl_default", "trusted.other",
        "trusted.bulkhead.shift", "trusted.bulkhead.shift-inode",
    ]

    /// Every inode beneath a directory, and itself, with its path as bytes.
    private static func forEach(
        in directory: consuming Descriptor, _ prefix: [UInt8],
        _ body: (borrowing InodeHandle, [UInt8]) throws -> Void
    ) throws {
        try body(InodeHandle(try directory.open(".", [.directory, .reading])), prefix)
        var scan = DirectoryScan()
        scan.begin()
        var folders: [(name: [UInt8], path: [UInt8])] = []
        while let entry = try scan.next(in: directory) {
            var name: [UInt8] = []
            scan.append(entry, to: &name)
            let path = prefix + [0x2f] + name.dropLast()
            if entry.isDirectory {
                folders.append((name, path))
            } else if let handle = try scan.open(entry, in: directory) {
                try body(handle, path)
            }
        }
        for folder in folders {
            switch try directory.enter(folder.name, at: 0) {
            case .open(let inner): try forEach(in: inner, folder.path, body)
            case .gone: break
            case .mounted: break
            }
        }
    }

    private static func picture(_ handle: borrowing InodeHandle) throws -> InodePicture {
        let status = try handle.status()
        var attributes: [String: [UInt8]] = [:]
        for name in known { if let value = try handle.attribute(name) { attributes[name] = value } }
        var times = stat()
        unsafe fstat(handle.descriptor.number, &times)
        return InodePicture(
            uid: status.uid, gid: status.gid, mode: status.mode, links: status.links, attributes: attributes,
            size: UInt64(times.st_size), modified: "\(times.st_mtim.tv_sec).\(times.st_mtim.tv_nsec)")
    }

    /// Removes it; paths this long are too long for others.
    func remove() { _ = try? shell("rm -rf '\(path)'") }

    /// Gives every inode the owner, mode, lists and capabilities of a picture of this very tree.
    func restore(_ pictures: [[UInt8]: InodePicture]) throws {
        try Self.forEach(in: try Descriptor.open(FilePath(path), [.directory, .reading]), []) { handle, path in
            guard let picture = pictures[path] else { return }
            try handle.changeOwner(uid: picture.uid, gid: picture.gid)
            for (name, value) in picture.attributes { try handle.setAttribute(name, to: value) }
            if picture.mode & 0o170000 != 0o120000 { try handle.changeMode(picture.mode) }
        }
        let root = try Descriptor.open(FilePath(path), [.directory, .reading])
        try root.removeAttribute("trusted.bulkhead.shifted")
    }

    /// What a shift by `delta` makes of a picture: every id moved that is below 65,536.
    static func shifted(_ picture: InodePicture, by delta: UInt32) -> InodePicture {
        func moved(_ id: UInt32) -> UInt32 { id < 65_536 ? id + delta : id }
        var picture = picture
        picture.uid = moved(picture.uid)
        picture.gid = moved(picture.gid)
        if let value = picture.attributes["security.capability"] {
            let root = value.count == 24 ? word(value, 20) : 0
            picture.attributes["security.capability"] = capability(root: moved(root))
        }
        for name in ["system.posix_acl_access", "system.posix_acl_default"] {
            guard let value = picture.attributes[name] else { continue }
            picture.attributes[name] = list(user: moved(word(value, 16)), group: moved(word(value, 32)))
        }
        return picture
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
    }

    /// The first few differences, for messages.
    static func differences(_ found: [[UInt8]: InodePicture], _ wanted: [[UInt8]: InodePicture]) -> [String] {
        Set(found.keys).union(wanted.keys).filter { found[$0] != wanted[$0] }.prefix(3).map { key in
            let found = found[key].map { "\($0)" } ?? "nothing"
            let wanted = wanted[key].map { "\($0)" } ?? "nothing"
            return "\(String(decoding: key, as: UTF8.self).debugDescription.suffix(60)): \(found), not \(wanted)"
        }
    }
}

/// The same numbers every time.
struct Randomness {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 2 &+ 1 }

    mutating func next(upTo bound: UInt32) -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 33) % bound
    }
}
