// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
package import SystemPackage

/// A file without a name as a block device. The kernel takes all of it away with the last descriptor or mount: however this
/// process ends, neither the device nor the file is left (`loop`; `LOOP_CONFIGURE`, since Linux 5.8).
package struct LoopDevice: ~Copyable {
    /// The device's path, for programs.
    package let path: FilePath
    private let device: Descriptor
    private let image: Descriptor
    private let number: CInt

    /// Makes a file without a name in a folder, of a length that it does not take room for, and the device.
    package init(in folder: borrowing Descriptor, length: UInt64) throws(KernelError) {
        let image = try Self.nameless(in: folder)
        try valueOrError(bk_set_length(image.number, Int64(clamping: length)), "ftruncate", "an image", in: folder.name)
        let control = try Descriptor.open("/dev/loop-control", .readingAndWriting)
        for _ in 0..<32 {
            let number = try valueOrError(bk_loop_free(control.number), "ioctl LOOP_CTL_GET_FREE", control.name)
            let path = FilePath("/dev/loop\(number)")
            let device = try Descriptor.open(path, .readingAndWriting)
            let result = bk_loop_configure(device.number, image.number)
            // Another took it meanwhile.
            if result == -Errno.resourceBusy.rawValue { continue }
            try valueOrError(result, "ioctl LOOP_CONFIGURE", path.string)
            self.path = path
            self.device = device
            self.image = image
            self.number = number
            return
        }
        throw KernelError("ioctl LOOP_CONFIGURE", "/dev/loop*", errno: .resourceBusy)
    }

    private static func nameless(in folder: borrowing Descriptor) throws(KernelError) -> Descriptor {
        do throws(KernelError) {
            // O_TMPFILE
            return try folder.open(
                ".", [OpenFlags(rawValue: 0o20_000_000), .directory, .readingAndWriting], mode: 0o600, resolve: [])
        } catch {
            // File systems that cannot (overlay before Linux 6.3): the name is there for a moment.
            guard [.notSupportedOnSocket, .isDirectory].contains(error.errno) else { throw error }
            let name = ".bulkhead-image-\(processID)"
            let file = try folder.open(name, [.create, .exclusive, .readingAndWriting], mode: 0o600)
            try folder.removeFile(name)
            return file
        }
    }

    /// Forgets what is cached of the device and of the file behind it, once its file system is unmounted: `BLKFLSBUF`, `fsync`,
    /// `posix_fadvise`. What the disk itself keeps is out of reach.
    package borrowing func dropCaches() throws(KernelError) {
        try valueOrError(bk_flush_device(device.number), "ioctl BLKFLSBUF", path.string)
        try image.synchronize()
        try valueOrError(bk_forget_pages(image.number), "posix_fadvise POSIX_FADV_DONTNEED", image.name)
    }

    /// The bytes written to the device so far (`/sys/block/loopN/stat`, 512 times the sectors written).
    package borrowing func bytesWritten() throws(KernelError) -> UInt64? {
        let fields = try readKernelFile(FilePath("/sys/block/loop\(number)/stat")).split(whereSeparator: \.isWhitespace)
        guard fields.count > 6, let sectors = UInt64(fields[6]) else { return nil }
        return sectors * 512
    }
}
