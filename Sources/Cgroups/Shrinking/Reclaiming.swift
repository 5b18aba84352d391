// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// What came of asking for memory back.
public struct ReclaimOutcome: Hashable, Sendable {
    /// Whether the kernel says that it took back as much as was asked.
    public let isReached: Bool
    /// How much less is in use than before: what was taken, less what the processes took anew meanwhile.
    public let freed: ByteCount
    /// Bytes in use afterwards.
    public let usage: ByteCount
}

extension Cgroup {
    /// Asks the kernel to take memory back from this cgroup and those below it: page cache, and what can be swapped
    /// out. Nothing is killed. The C name is `memory.reclaim`, since Linux 5.19; nil on a kernel without it.
    ///
    /// It may take back more or less than asked. It blocks as long as the kernel makes progress, so a large amount is
    /// better asked for in steps.
    /// - Throws: EINVAL for what `ReclaimRequest` refuses, and for a swappiness that this kernel does not know.
    public borrowing func reclaim(_ request: ReclaimRequest) throws(KernelError) -> ReclaimOutcome? {
        let before = try usedMemory()
        var isReached = true
        do { try write(request, to: .memoryReclaim) } catch {
            switch error.errno {
            case .resourceTemporarilyUnavailable: isReached = false
            case .noSuchFileOrDirectory: return nil
            default: throw error
            }
        }
        let after = try usedMemory()
        return ReclaimOutcome(isReached: isReached, freed: before > after ? before - after : .zero, usage: after)
    }

    /// Bytes in use. The root has no such file.
    borrowing func usedMemory() throws(KernelError) -> ByteCount {
        if let usage = try read(.memoryCurrent) { return usage }
        throw KernelError(
            "openat2", "memory.current", in: location, errno: .noSuchFileOrDirectory,
            hint: "the root cgroup has no limits of its own")
    }
}
