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
