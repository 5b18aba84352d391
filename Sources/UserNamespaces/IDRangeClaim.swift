// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// A range of host ids that nobody else who claims from the same lock file holds.
///
/// The claim is a lock on one byte of a file, at the number of the range's block: the kernel gives it back when the last
/// process that shares it ends, however it ends, and no state is left to clean up.
public struct IDRangeClaim: ~Copyable, Sendable {
    /// The first host id.
    public let first: UInt32
    /// How many ids.
    public let count: UInt32
    package let lock: Descriptor

    /// Claims one free block of the pool, starting at a random one.
    ///
    /// - Parameters:
    ///   - pool: the blocks to choose from.
    ///   - lockFile: a file that only those may write who may give ids away, such as the cgroup v2 root's
    ///     `cgroup.subtree_control`.
    /// - Throws: `EAGAIN` when every block is held.
    public init(from pool: IDRangePool, lockFile: FilePath) throws(KernelError) {
        let file = try Descriptor.open(lockFile, .writing)
        let start = pool.count == 0 ? 0 : Int.random(in: 0..<pool.count)
        for offset in 0..<pool.count {
            let block = pool[(start + offset) % pool.count]
            guard try Self.lock(IDRange(first: block, count: IDRangePool.blockSize), in: file) else { continue }
            first = block
            count = IDRangePool.blockSize
            lock = file
            return
        }
        throw KernelError(
            "fcntl F_OFD_SETLK", lockFile.string, errno: .resourceTemporarilyUnavailable,
            hint: "all \(pool.count) ranges of \(IDRangePool.blockSize) ids are held")
    }

    /// Claims a certain range of whole blocks; nil when another holds a part of it.
    public init?(of range: IDRange, lockFile: FilePath) throws(KernelError) {
        let file = try Descriptor.open(lockFile, .writing)
        guard try Self.lock(range, in: file) else { return nil }
        first = range.first
        count = range.count
        lock = file
    }

    private static func lock(_ range: IDRange, in file: borrowing Descriptor) throws(KernelError) -> Bool {
        let size = UInt64(IDRangePool.blockSize)
        let first = UInt64(range.first) / size
        return try file.lock(from: Int64(first), length: Int64((range.end + size - 1) / size - first))
    }
}
