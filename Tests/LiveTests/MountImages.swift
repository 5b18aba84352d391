// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// File systems to try ID-mapped mounts on, by name: those that the harness prepared; on another host images on loop
/// devices, in no tree and gone with the process that made them, however that ends.
struct MountImage: CustomTestStringConvertible {
    let name: String
    /// A folder of it; nil where it could not be made, and why.
    let folder: String?
    let absence: String?
    var testDescription: String { name }

    static let all: [MountImage] = {
        if let prepared = ProcessInfo.processInfo.environment["BULKHEAD_FILESYSTEMS"] {
            return prepared.split(separator: ":").map {
                MountImage(name: FilePath(String($0)).lastComponent?.string ?? "", folder: String($0), absence: nil)
            }
        }
        return ["ext4", "xfs", "btrfs", "tmpfs"].map(made)
    }()

    /// Those whose mounts take ID maps on this kernel.
    static let mappable: [MountImage] = all.filter { image in
        image.folder.map { PathSupport.probe(FilePath($0)).takesIDMap } ?? false
    }

    private static func made(_ type: String) -> MountImage {
        do {
            let tree = try type == "tmpfs" ? MountCall.newFileSystem("tmpfs") : onLoop(type)
            // Held to the end of the process: the tests take folders in it by this path.
            return MountImage(name: type, folder: "/proc/self/fd/\(tree.release())", absence: nil)
        } catch { return MountImage(name: type, folder: nil, absence: "\(error)") }
    }

    private struct Absent: Error, CustomStringConvertible {
        var description: String
    }

    /// A file system on a loop device, in no tree.
    static func onLoop(_ type: String, size: Int = 320 << 20, options: [String] = []) throws -> Descriptor {
        guard geteuid() == 0 else { throw Absent(description: "this is not root") }
        // Sparse: xfs asks for 300 MiB.
        let device = try LoopDevice(
            in: try Descriptor.open(FilePath(NSTemporaryDirectory()), [.path, .directory]), length: UInt64(size))
        let options = (type == "ext4" ? ["-q", "-F"] : ["-q", "-f"]) + options
        let maker = Process()
        maker.executableURL = URL(filePath: "/usr/bin/env")
        maker.arguments = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "mkfs.\(type)"] + options + [device.path.string]
        maker.standardOutput = FileHandle.nullDevice
        maker.standardError = FileHandle.nullDevice
        try maker.run()
        maker.waitUntilExit()
        guard maker.terminationStatus == 0 else { throw Absent(description: "mkfs.\(type) failed") }
        return try MountCall.newFileSystem(type, options: [("source", device.path.string)])
    }
}
