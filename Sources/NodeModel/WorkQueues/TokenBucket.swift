// SPDX-License-Identifier: Apache-2.0

/// So many at once, then one every so often: what holds all failures of a controller together.
///
/// Source: client-go, util/workqueue, default_rate_limiters.go (BucketRateLimiter: 10 a second, 100 at once).
public struct TokenBucket: Sendable {
    /// How often there is one more.
    public let interval: Duration
    /// How many there are at most.
    public let burst: Int
    /// When the bucket would be full again if nothing more was taken; nil as long as nothing was.
    private var fullAt: Timestamp?

    /// A full bucket.
    /// - Parameters:
    ///   - interval: how often there is one more.
    ///   - burst: how many there are at most; at least one.
    public init(every interval: Duration = .milliseconds(100), burst: Int = 100) {
        self.interval = interval
        self.burst = max(1, burst)
    }

    /// Takes one, now or in the future.
    /// - Parameter now: the time.
    /// - Returns: how long to wait for it.
    public mutating func take(at now: Timestamp) -> Duration {
        let full = max(fullAt ?? now, now) + interval
        fullAt = full
        return max(.zero, full - now - interval * burst)
    }
}
