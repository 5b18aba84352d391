// SPDX-License-Identifier: Apache-2.0

/// Indexes of an Indexed Job, written as `1,3-5,7`: three or more in a row by the first and the last.
///
/// Source: Kubernetes API reference, JobStatus.completedIndexes.
public struct CompletionIndexes: Hashable, Sendable, CustomStringConvertible {
    /// Ranges that neither meet nor touch, in order.
    public private(set) var ranges: [ClosedRange<Int32>] = []

    /// None.
    public init() {}

    /// These.
    public init(_ indexes: some Sequence<Int32>) { for index in indexes { insert(index) } }

    /// How many there are.
    public var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// Whether an index is among them.
    public func contains(_ index: Int32) -> Bool {
        let next = firstRange(endingAt: index)
        return next < ranges.count && ranges[next].contains(index)
    }

    /// Adds an index that is not below zero.
    public mutating func insert(_ index: Int32) {
        guard index >= 0, !contains(index) else { return }
        var next = firstRange(endingAt: index)
        var range = index...index
        if next > 0, ranges[next - 1].upperBound == index - 1 {
            next -= 1
            range = ranges.remove(at: next).lowerBound...index
        }
        if next < ranges.count, ranges[next].lowerBound - 1 == index {
            range = range.lowerBound...ranges.remove(at: next).upperBound
        }
        ranges.insert(range, at: next)
    }

    /// Those below a bound.
    public func below(_ bound: Int32) -> CompletionIndexes {
        var kept = CompletionIndexes()
        kept.ranges = ranges.filter { $0.lowerBound < bound }.map { $0.lowerBound...min($0.upperBound, bound - 1) }
        return kept
    }

    /// The lowest that are neither among them nor excluded.
    /// - Parameters:
    ///   - count: how many at most.
    ///   - bound: all are below it.
    ///   - excluded: what is passed over.
    public func missing(_ count: Int, below bound: Int32, excluding excluded: Set<Int32>) -> [Int32] {
        var found: [Int32] = []
        var index: Int32 = 0
        for range in ranges + [bound...bound] {
            while index < min(range.lowerBound, bound), found.count < count {
                if !excluded.contains(index) { found.append(index) }
                index += 1
            }
            index = max(index, range.upperBound == .max ? range.upperBound : range.upperBound + 1)
        }
        return found
    }

    private func firstRange(endingAt index: Int32) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// `1,3-5,7`; empty for none.
    public var description: String {
        ranges.flatMap { range in
            range.count > 2 ? ["\(range.lowerBound)-\(range.upperBound)"] : range.map { "\($0)" }
        }.joined(separator: ",")
    }

    /// Reads `1,3-5,7`: in order, nothing twice.
    /// - Parameter text: the indexes.
    /// - Returns: nil when it is malformed.
    public init?(parsing text: String) {
        var last: Int32 = -1
        if text.isEmpty { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int32($0) }
            guard let first = ends.first ?? nil, let end = ends.last ?? nil, ends.count <= 2, first > last,
                ends.count == 1 || end > first
            else { return nil }
            last = end
            if let previous = ranges.last, previous.upperBound == first - 1 {
                ranges[ranges.count - 1] = previous.lowerBound...end
            } else {
                ranges.append(first...end)
            }
        }
    }
}
