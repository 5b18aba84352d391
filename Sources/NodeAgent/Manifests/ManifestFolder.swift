// SPDX-License-Identifier: Apache-2.0

package import LinuxKernel
package import SystemPackage

/// A folder of manifests, as the kubelet reads the one of static pods: every regular file whose name does not begin with a
/// dot. Symbolic links to files are followed, wherever they lead, as a mounted ConfigMap is made of them; what else is in
/// the folder (directories, pipes, devices, sockets) is never opened.
package struct ManifestFolder: Sendable {
    /// What a file holds.
    package enum Content: Hashable, Sendable {
        /// The text.
        case text(String)
        /// It could not be read, for a reason.
        case unreadable(String)
    }

    /// Where it is.
    package let path: FilePath
    /// A file with more bytes is refused.
    package let limit: Int

    package init(_ path: FilePath, limit: Int = 1 << 20) {
        self.path = path
        self.limit = limit
    }

    /// The files by name, without directories.
    package func files() throws(KernelError) -> [String: Content] {
        let folder = try Descriptor.open(path, [.directory, .reading])
        var files: [String: Content] = [:]
        for name in try folder.entries() where !name.hasPrefix(".") {
            do {
                files[name] = try content(of: name, in: folder)
            } catch {
                // Between the listing and the look it was removed, and so is not there.
                if error.errno == .noSuchFileOrDirectory, (try? folder.status(of: name)) == nil { continue }
                files[name] = .unreadable("\(error)")
            }
        }
        return files
    }

    /// Whether the file is on a file system that refuses leases for reasons of its own: NFS, SMB, FUSE.
    private static func isRemote(_ file: borrowing Descriptor) -> Bool {
        guard let kind = try? file.fileSystem() else { return true }
        return [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b, 0x6573_5546].contains(kind.magic)
    }

    /// Nil for a directory.
    private func content(of name: String, in folder: borrowing Descriptor) throws(KernelError) -> Content? {
        // A place alone: opening a pipe or a device would wait, or do something.
        let place = try folder.open(name, [.path], resolve: [])
        let status = try place.status()
        if status.isDirectory { return nil }
        guard status.isRegular else { return .unreadable("is no regular file, and is not read") }
        let file = try Descriptor.open(
            FilePath("/proc/self/fd/\(place.number)"), [.reading, .nonBlocking, .noControllingTerminal])
        // The first half of a manifest may well be one, of another pod.
        guard file.holdOffWriters() || Self.isRemote(file) else {
            return .unreadable("is being written, and is read when it is closed")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try file.read(into: &chunk)
            if count == 0 { break }
            bytes += chunk[..<count]
            if bytes.count > limit { return .unreadable("has more than \(limit) bytes, and is not read") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { return .unreadable("is no text in UTF-8") }
        return .text(text)
    }
}
