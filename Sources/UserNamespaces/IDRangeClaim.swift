// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import NodeModel
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
    /// - Parameter lockFile: a file that only those may write who may give ids away, such as the cgroup v2 root's
    ///   `cgroup.subtree_control`.
    /// - Throws: `EAGAIN` when every block is held.
    public init(from pool: IDRangePool, lockFile: FilePath) throws(KernelError) {
        let file = try Descriptor.open(lockFile, .writing)
        let blocks = pool.blocks
        let start = blocks.isEmpty ? 0 : Int.random(in: 0..<blocks.count)
        for offset in blocks.indices {
            let block = blocks[(start + offset) % blocks.count]
            guard try file.lock(from: Int64(block / IDRangePool.blockSize), length: 1) else { continue }
            first = block
            count = IDRangePool.blockSize
            lock = file
            return
        }
        throw KernelError(
            "fcntl F_OFD_SETLK", lockFile.string, errno: .resourceTemporarilyUnavailable,
            hint: "all \(blocks.count) ranges of \(IDRangePool.blockSize) ids are held")
    }
}

/// The blocks of host ids that runs may claim.
public struct IDRangePool: Hashable, Sendable {
    /// The ids of one block, as many as Kubernetes gives a pod (KEP-127).
    public static let blockSize: UInt32 = 65_536

    /// The first id of each block, ascending.
    public var blocks: [UInt32]

    /// The blocks that lie wholly in the ranges.
    public init(ranges: [ClosedRange<UInt32>]) {
        blocks = ranges.flatMap { range -> [UInt32] in
            let size = UInt64(Self.blockSize)
            let first = (UInt64(range.lowerBound) + size - 1) / size * size
            let end = (UInt64(range.upperBound) + 1) / size * size
            return stride(from: first, to: end, by: Int(size)).map { UInt32($0) }
        }.sorted()
    }

    /// The ids that systemd sets aside for containers (524288 to 1879048191, systemd's UIDS-GIDS document), without
    /// the blocks that touch somebody's subordinate ids.
    public init(avoiding subordinate: [SubordinateIDs]) {
        self.init(ranges: [524_288...1_879_048_191])
        blocks.removeAll { block in
            let last = block + Self.blockSize - 1
            return subordinate.contains { $0.range.overlaps(block...last) }
        }
    }
}

/// A line of `/etc/subuid` or `/etc/subgid` (subuid(5)).
public struct SubordinateIDs: Hashable, Sendable {
    /// The user, by name or number.
    public var user: String
    /// The host ids the user may map.
    public var range: ClosedRange<UInt32>

    /// The lines of such a file; lines that are none are passed over, as the shadow tools do.
    public static func parse(_ text: String) -> [SubordinateIDs] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let first = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0,
                count - 1 <= UInt32.max - first
            else { return nil }
            return SubordinateIDs(user: String(fields[0]), range: first...(first + count - 1))
        }
    }
}
