// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

extension Cgroup {
    /// Whether this kernel can set `memory.high` and `memory.max` without reclaiming or killing at once.
    ///
    /// By the version alone, for no answer of the kernel tells: `O_NONBLOCK` on these files is heeded since Linux 6.16
    /// (commit c8e6002bd611, Documentation/admin-guide/cgroup-v2.rst) and silently ignored before. A kernel whose
    /// version is a fiction is taken for one without it.
    public static var writesLimitsWithoutBlocking: Bool {
        guard let running = try? KernelVersion.running(), !running.isDisguised else { return false }
        return running >= KernelVersion(6, 16)
    }

    /// Sets `memory.high` or `memory.max` and leaves the rest to those who allocate next: the write reclaims nothing,
    /// kills nobody and does not wait (`O_NONBLOCK`).
    ///
    /// An error where the kernel would ignore that (EOPNOTSUPP, before Linux 6.16), and for other files, which have no
    /// such way of writing.
    public borrowing func write(
        _ value: ByteCount, to file: InterfaceFile<ByteCount>, nonBlocking: Bool
    ) throws(KernelError) {
        guard nonBlocking else { return try write(value, to: file) }
        guard file == .memoryHigh || file == .memoryMax else {
            throw KernelError(
                "write", file.file.name, value: value.kernelText, in: path.string, errno: .invalidArgument,
                hint: "only memory.high and memory.max are written without blocking")
        }
        guard Self.writesLimitsWithoutBlocking else {
            throw KernelError(
                "write", file.file.name, value: value.kernelText, in: path.string, errno: .notSupportedOnSocket,
                hint: "before Linux 6.16 the kernel ignores O_NONBLOCK here, and reclaims or kills at once")
        }
        try write(checked: value, to: file.file, [.writing, .nonBlocking])
    }
}
