// SPDX-License-Identifier: Apache-2.0

/// An instant, as nanoseconds from the beginning of 1970 in UTC.
///
/// Nothing in this module asks what time it is: whoever calls says so. That makes each decision a function that tests can
/// run through years in a millisecond.
public struct Timestamp: Hashable, Sendable, InstantProtocol {
    /// What has passed since 1970-01-01T00:00:00Z.
    public let sinceEpoch: Duration

    /// So long after 1970-01-01T00:00:00Z.
    public init(sinceEpoch: Duration) { self.sinceEpoch = sinceEpoch }

    /// So many seconds after 1970-01-01T00:00:00Z.
    public init(seconds: Int64) { self.init(sinceEpoch: .seconds(seconds)) }

    /// Later by a duration.
    public func advanced(by duration: Duration) -> Timestamp { Timestamp(sinceEpoch: sinceEpoch + duration) }

    /// What passes until the other; below zero when it is earlier.
    public func duration(to other: Timestamp) -> Duration { other.sinceEpoch - sinceEpoch }

    /// Orders by time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.sinceEpoch < right.sinceEpoch }

    /// Later by a duration.
    public static func + (left: Timestamp, right: Duration) -> Timestamp { left.advanced(by: right) }

    /// Earlier by a duration.
    public static func - (left: Timestamp, right: Duration) -> Timestamp { left.advanced(by: .zero - right) }

    /// What passed from the right to the left.
    public static func - (left: Timestamp, right: Timestamp) -> Duration { right.duration(to: left) }
}

extension Duration {
    /// The sum of a growing delay: twice as much, at most so much.
    func doubled(upTo limit: Duration) -> Duration { min(self + self, limit) }
}
