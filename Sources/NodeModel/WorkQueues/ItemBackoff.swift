// SPDX-License-Identifier: Apache-2.0

/// A delay for each item that doubles with each failure and is forgotten with the first success.
///
/// Source: client-go, util/workqueue, default_rate_limiters.go (ItemExponentialFailureRateLimiter).
public struct ItemBackoff<Item: Hashable & Sendable>: Sendable {
    /// The delay after the first failure.
    public let base: Duration
    /// The longest delay.
    public let limit: Duration
    private var failures: [Item: Int] = [:]

    /// No failures yet.
    /// - Parameters:
    ///   - base: the delay after the first failure; controllers of Kubernetes take 5 ms, that of Jobs 1 s.
    ///   - limit: the longest delay; controllers of Kubernetes take 1000 s, that of Jobs 60 s.
    public init(base: Duration = .milliseconds(5), limit: Duration = .seconds(1000)) {
        self.base = min(base, limit)
        self.limit = limit
    }

    /// Counts a failure.
    /// - Returns: how long to wait.
    public mutating func next(_ item: Item) -> Duration {
        let count = failures[item, default: 0]
        failures[item] = count + 1
        var delay = base
        for _ in 0..<count {
            if delay >= limit || delay == .zero { break }
            delay = delay.doubled(upTo: limit)
        }
        return delay
    }

    /// How often an item failed since its last success.
    public func failures(of item: Item) -> Int { failures[item] ?? 0 }

    /// Begins again for an item.
    public mutating func forget(_ item: Item) { failures[item] = nil }
}
