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
            guard try file.lock(from: Int64(block / IDRangePool.blockSize), length: 1) else { continue }
            first = block
            count = IDRangePool.blockSize
            lock = file
            return
        }
        throw KernelError(
            "fcntl F_OFD_SETLK", lockFile.string, errno: .resourceTemporarilyUnavailable,
            hint: "all \(pool.count) ranges of \(IDRangePool.blockSize) ids are held")
    }
}

/// The blocks of host ids that runs may claim.
public struct IDRangePool: Hashable, Sendable {
    /// The ids of one block, as many as Kubernetes gives a pod (KEP-127).
    public static let blockSize: UInt32 = 65_536

    /// Block numbers, ascending and apart: thousands of blocks in a few ranges.
    private var numbers: [Range<UInt32>]

    /// The blocks that lie wholly in the ranges.
    public init(ranges: [ClosedRange<UInt32>]) {
        let size = UInt64(Self.blockSize)
        numbers = ranges.compactMap { range in
            let first = UInt32((UInt64(range.lowerBound) + size - 1) / size)
            let end = UInt32((UInt64(range.upperBound) + 1) / size)
            return first < end ? first..<end : nil
        }.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// The ids that systemd sets aside for containers (524288 to 1879048191, systemd's UIDS-GIDS document), without
    /// the blocks that touch somebody's subordinate ids.
    public init(avoiding subordinate: [SubordinateIDs]) {
        self.init(ranges: [524_288...1_879_048_191])
        for taken in subordinate.map(\.range) {
            let first = taken.lowerBound / Self.blockSize
            let last = taken.upperBound / Self.blockSize
            numbers = numbers.flatMap { range in
                [
                    range.lowerBound..<max(range.lowerBound, min(range.upperBound, first)),
                    min(range.upperBound, max(range.lowerBound, last + 1))..<range.upperBound,
                ].filter { !$0.isEmpty }
            }
        }
    }

    /// How many blocks there are.
    public var count: Int { numbers.reduce(0) { $0 + $1.count } }

    /// The first id of a block, by its position from 0.
    public subscript(position: Int) -> UInt32 {
        var rest = position
        for range in numbers {
            if rest < range.count { return (range.lowerBound + UInt32(rest)) * Self.blockSize }
            rest -= range.count
        }
        preconditionFailure("the pool has \(count) blocks, not \(position + 1)")
    }

    /// The first id of each block, ascending.
    public var blocks: [UInt32] { numbers.flatMap { $0.map { $0 * Self.blockSize } } }
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
            return SubordinateIDs(user: String(fields[0]), range: first...(first + (count - 1)))
        }
    }
}
