// SPDX-License-Identifier: Apache-2.0

/// Blocks of host ids to give away. What holds one is a claim, for the life of a process, or a pod's file, for the life
/// of a pod (both in the module UserNamespaces).
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
            // Not the block of 4294967295, which is no id: the kernel refuses a map that reaches it.
            let end = min(UInt32((UInt64(range.upperBound) + 1) / size), 65_535)
            return first < end ? first..<end : nil
        }.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// The ids that systemd sets aside for containers (524288 to 1879048191, systemd's UIDS-GIDS document), without
    /// the blocks that touch somebody's subordinate ids.
    public init(avoiding subordinate: [SubordinateIDs]) {
        self.init(ranges: [524_288...1_879_048_191])
        subtract(subordinate.map(\.range))
    }

    /// Takes out every block that shares an id with a range, such as those that pods keep.
    public mutating func subtract(_ ranges: [ClosedRange<UInt32>]) {
        for taken in ranges {
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
