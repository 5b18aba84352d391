// SPDX-License-Identifier: Apache-2.0

/// What of a container's log.
public struct LogQuery: Hashable, Sendable {
    /// Goes on as it grows, until the container has ended.
    public var follows = false
    /// How many lines of its end; nil for all.
    public var tailLines: Int?
    /// Only what was written from then on.
    public var since: Timestamp?
    /// At most so many bytes.
    public var limitBytes: Int?
    /// The log of the attempt before the last one.
    public var previous = false
    /// The time before each line.
    public var timestamps = false

    /// All of a log.
    public init() {}
}
