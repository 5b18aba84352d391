// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// A new file system for one tree: a sparse image on a loop device, or a tmpfs. It covers a folder, which in the mount
/// namespace of the benchmark alone is seen by nobody else. So the kernel takes everything away when the process ends, killed
/// or not: the mount with the namespace, the device with the mount, and the image, which has no name, with the device.
final class BenchVolume {
    /// What can be made.
    static let types = ["ext4", "xfs", "btrfs", "tmpfs"]

    let type: String
    /// Where it is mounted.
    let path: FilePath
    private let loop: BenchLoop?
    private var isMounted = false

    /// - Parameters:
    ///   - inodes: how many it has to hold.
    ///   - folder: where the image goes, opened before anything covered it.
    ///   - path: the folder to cover.
    init(_ type: String, inodes: Int, in folder: borrowing Descriptor, covering path: FilePath) throws {
        self.type = type
        self.path = path
        if type == "tmpfs" {
            loop = nil
        } else {
            // Sparse, so generous: xfs wants 300 MiB and keeps three quarters from inodes, btrfs copies what it changes.
            let loop = BenchLoop(try LoopDevice(in: folder, length: 1 << 30 + UInt64(inodes) * 4096))
            let options =
                switch type {
                // What mkfs leaves for later would be written while we measure.
                case "ext4": ["-q", "-F", "-N", "\(inodes + inodes / 8 + 1024)", "-E", "lazy_itable_init=0"]
                default: ["-q", "-f"]
                }
            guard let maker = try BenchProgram.find("mkfs.\(type)", options + [loop.device.path.string]) else {
                throw ToolFailure(.impossible, "no program mkfs.\(type) in PATH")
            }
            try maker.runTalking()
            self.loop = loop
        }
        try mount()
    }

    deinit { if isMounted { try? MountCall.detach(path.string) } }

    private func mount() throws {
        let options = loop.map { [("source", $0.device.path.string)] } ?? [("mode", "0755"), ("nr_inodes", "0")]
        let tree = try MountCall.newFileSystem(type, options: options)
        try MountCall.attach(tree, at: try Descriptor.open(path, [.path, .directory]))
        isMounted = true
    }

    /// Whether it can be mounted anew with nothing cached; a tmpfs is nothing but cache.
    var canGoCold: Bool { loop != nil }

    /// Unmounts it, forgets what is cached of the device and the image, and mounts it again. Nothing of it may be open.
    func remount() throws {
        guard let loop else { return }
        try MountCall.unmount(path.string, lazily: false)
        isMounted = false
        // The last bind mount of it may be on its way out. As long as the file system lives, it has the device for itself,
        // and to mount it again would give the same one with all it has cached.
        let end = ContinuousClock.now + .seconds(10)
        while try !Self.isReleased(loop.device.path), .now < end { usleep(10_000) }
        try loop.device.dropCaches()
        try mount()
    }

    private static func isReleased(_ device: FilePath) throws(KernelError) -> Bool {
        do throws(KernelError) {
            _ = try Descriptor.open(device, [.readingAndWriting, .exclusive])
            return true
        } catch {
            guard error.errno == .resourceBusy else { throw error }
            return false
        }
    }

    /// Bytes written to the device so far; nil without one.
    func bytesWritten() throws -> UInt64? { try loop?.device.bytesWritten() }

    /// The free room that a tree of so many inodes takes, with a margin: of the disk, or of the memory where the folder is in
    /// memory, as a tmpfs is. Measured on Linux 6.18: ext4 0.4 KiB an inode, xfs 0.6, btrfs 1.1, tmpfs 1.3; and what
    /// journals and mkfs take.
    static func room(for inodes: Int, on type: String) -> UInt64 {
        let base: UInt64 = type == "tmpfs" ? 0 : 160 << 20
        return base + UInt64(inodes) * (type == "tmpfs" ? 2048 : 3072)
    }

    /// Why there is no room for it; nil where there is.
    static func shortage(for inodes: Int, on type: String, in folder: borrowing Descriptor) throws -> String? {
        let needed = room(for: inodes, on: type)
        let kind = try folder.fileSystem()
        let isInMemory = type == "tmpfs" || kind == .tmpfs || kind.description == "ramfs"
        if isInMemory, let free = availableMemory(), free / 2 < needed {
            return
                "it would take \(benchBytes(needed)) of memory, of which \(benchBytes(free)) is there, half of it to be left"
        }
        guard type != "tmpfs", let free = try folder.bytesFree(), free / 10 * 9 < needed else { return nil }
        return "its image would take up to \(benchBytes(needed)), and \(benchBytes(free)) is free"
    }
}

/// A device where a value with one owner cannot be.
private final class BenchLoop {
    let device: LoopDevice
    init(_ device: consuming LoopDevice) { self.device = device }
}

/// A number of bytes as people read it.
func benchBytes(_ bytes: some BinaryInteger) -> String {
    var (value, units) = (Double(bytes), ["B", "KiB", "MiB", "GiB", "TiB"][...])
    while value >= 1024, units.count > 1 { (value, units) = (value / 1024, units.dropFirst()) }
    return units.first == "B" ? "\(Int(value)) B" : "\(threeDigits(value)) \(units.first ?? "")"
}
