// SPDX-License-Identifier: Apache-2.0

/// Room kept between `memory.min` and a finite `memory.max`.
///
/// With both equal, as Kubernetes has it for Guaranteed pods, nothing in a control group can be reclaimed when it
/// reaches its limit, not even its page cache: writing a large file gets it killed (Kubernetes PRs 126485 and 126498).
public enum MinHeadroom: Hashable, Sendable {
    /// So many bytes.
    case bytes(ByteCount)
    /// So many percent of the limit, at most 100.
    case percent(UInt8)

    /// The most that may be protected under a limit.
    public func protectable(under limit: ByteCount) -> ByteCount {
        if limit == .max { return .max }
        switch self {
        case .bytes(let room): return limit - room
        case .percent(let percent):
            let room = (UInt128(limit.bytes) * UInt128(min(percent, 100)) + 99) / 100
            return limit - ByteCount(UInt64(room))
        }
    }
}

extension MinHeadroom: CustomStringConvertible {
    /// The bytes, or `10%`.
    public var description: String {
        switch self {
        case .bytes(let room): "\(room)"
        case .percent(let percent): "\(percent)%"
        }
    }
}
