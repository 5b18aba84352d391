// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NodeModel

extension Timestamp {
    /// The machine's time (`clock_gettime` `CLOCK_REALTIME`).
    static var wallClock: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(sinceEpoch: .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec)))
    }
}
