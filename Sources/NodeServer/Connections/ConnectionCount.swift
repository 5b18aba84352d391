// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How many connections there are, in all and of each peer.
final class ConnectionCount: Sendable {
    private struct State {
        var total = 0
        var byPeer: [String: Int] = [:]
    }
    private let state = Mutex(State())
    private let limits: ServerLimits
    private let metrics: ServerMetrics

    init(_ limits: ServerLimits, metrics: ServerMetrics) {
        self.limits = limits
        self.metrics = metrics
    }

    /// Whose connections are counted together: an address; of version 6 the network (/64), all of which one host has.
    static func peer(_ address: String) -> String {
        let halves = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false).map { half in
            half.split(separator: ":").map(String.init)
        }
        guard address.contains(":"), !address.contains("."), let first = halves.first else { return address }
        let last = halves.count > 1 ? halves[1] : []
        let groups = first + Array(repeating: "0", count: max(0, 8 - first.count - last.count)) + last
        return groups.prefix(4).joined(separator: ":") + "::/64"
    }

    /// Counts one more, unless that would be one too many.
    func enter(_ peer: String) -> Bool {
        let isIn = state.withLock { state in
            guard state.total < limits.connections, state.byPeer[peer, default: 0] < limits.connectionsPerPeer else {
                return false
            }
            state.total += 1
            state.byPeer[peer, default: 0] += 1
            return true
        }
        if isIn { metrics.connected(by: 1) } else { metrics.connectionRefused() }
        return isIn
    }

    /// Counts one less.
    func leave(_ peer: String) {
        state.withLock { state in
            state.total -= 1
            let rest = state.byPeer[peer, default: 1] - 1
            state.byPeer[peer] = rest == 0 ? nil : rest
        }
        metrics.connected(by: -1)
    }
}
