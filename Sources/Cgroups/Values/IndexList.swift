// SPDX-License-Identifier: Apache-2.0

/// Processors or memory nodes by their numbers, as `cpuset.cpus` holds them: `0-3,5`.
///
/// Empty is no restriction of its own: the cgroup has what its parent has.
public struct IndexList: Hashable, Sendable, InterfaceValue {
    /// The numbers, without gaps inside a range, in ascending order, no two ranges adjacent.
    public let ranges: [ClosedRange<UInt32>]

    /// These numbers.
    public init(_ numbers: some Sequence<UInt32>) { self.init(ranges: numbers.map { $0...$0 }) }

    /// These ranges, in any order; they may overlap.
    public init(ranges: some Sequence<ClosedRange<UInt32>>) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, UInt64(range.lowerBound) <= UInt64(last.upperBound) + 1 {
                merged[merged.count - 1] = last.lowerBound...Swift.max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    /// Whether it leaves the choice to the parent.
    public var isEmpty: Bool { ranges.isEmpty }
    /// How many numbers.
    public var count: Int { ranges.reduce(0) { $0 + $1.count } }
    /// Whether a number is in it.
    public func contains(_ number: UInt32) -> Bool { ranges.contains { $0.contains(number) } }
    /// Whether all of its numbers are in another.
    public func isSubset(of other: IndexList) -> Bool {
        ranges.allSatisfy { range in
            other.ranges.contains { $0.contains(range.lowerBound) && $0.contains(range.upperBound) }
        }
    }

    /// Reads the whole file. What the kernel also takes, and never prints, is read as it means: `0-7:2/4`, the first two
    /// of every four (`bitmap_parselist`).
    public init?(kernelText text: Substring) {
        let list = text.withoutNewline
        var ranges: [ClosedRange<UInt32>] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) where !list.isEmpty {
            guard let some = Self.ranges(part) else { return nil }
            ranges += some
            // A few bytes can stand for many ranges; no list says the same thing so often.
            if ranges.count > 2 * Int(Self.highest) { return nil }
        }
        self.init(ranges: ranges)
    }

    /// More than any kernel can have (CONFIG_NR_CPUS is at most 8192): what is above would only cost memory.
    private static let highest: UInt32 = 65_535

    private static func ranges(_ part: Substring) -> [ClosedRange<UInt32>]? {
        let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
        let ends = pieces[0].split(separator: "-", omittingEmptySubsequences: false).map { UInt32(decimal: $0) }
        guard ends.count <= 2, pieces.count <= 2, let low = ends[0], let high = ends[ends.count - 1], low <= high,
            high <= highest
        else { return nil }
        guard pieces.count == 2 else { return [low...high] }
        let stride = pieces[1].split(separator: "/", omittingEmptySubsequences: false).map { UInt32(decimal: $0) }
        guard ends.count == 2, stride.count == 2, let used = stride[0], let group = stride[1], used > 0, used <= group,
            group <= highest
        else { return nil }
        return Swift.stride(from: low, through: high, by: Int(group)).map { $0...Swift.min($0 + used - 1, high) }
    }

    private var text: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
    /// What is written: ranges, and for an empty list a lone newline, since a write of nothing changes nothing.
    public var kernelText: String { isEmpty ? "\n" : text }
    /// One line.
    public var fileText: String { text + "\n" }
    /// In words.
    public static var form: String { "numbers and ranges, such as 0-3,5, or nothing to have what the parent has" }
}
