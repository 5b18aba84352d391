// SPDX-License-Identifier: Apache-2.0

internal import Metrics

/// What a server counts of itself. No label holds what a client makes up: their number is bounded.
struct ServerMetrics: Sendable {
    let registry: PrometheusRegistry

    init(_ registry: PrometheusRegistry) {
        self.registry = registry
        registry.describe(
            "kubelet_http_requests_total", help: "Answered HTTP requests by method, endpoint and status.")
        registry.describe(
            "kubelet_http_requests_duration_seconds", help: "Time from a request to the end of its answer.")
        registry.describe("kubelet_http_inflight_requests", help: "HTTP requests that are being answered.")
        registry.describe(
            "bulkhead_authorization_decisions_total", help: "Decisions on requests by verb, subresource and decision.")
        registry.describe(
            "bulkhead_authentication_attempts_total", help: "How clients showed who they are, and whether it was right."
        )
        registry.describe("bulkhead_connections", help: "Open connections.")
        registry.describe("bulkhead_connections_refused_total", help: "Connections beyond the limits.")
        registry.describe(
            "bulkhead_requests_refused_total",
            help: "Requests that were not looked at, by why: malformed, too large, too slow.")
        Counter(label: "bulkhead_connections_refused_total", factory: registry).increment(by: 0)
    }

    func authenticated(_ method: String, isGood: Bool) {
        Counter(
            label: "bulkhead_authentication_attempts_total",
            dimensions: [("method", method), ("result", isGood ? "success" : "failure")], factory: registry
        ).increment()
    }

    func decided(verb: String, subresource: String, decision: String) {
        Counter(
            label: "bulkhead_authorization_decisions_total",
            dimensions: [("decision", decision), ("subresource", subresource), ("verb", verb)], factory: registry
        ).increment()
    }

    func began() { Meter(label: "kubelet_http_inflight_requests", factory: registry).increment() }

    func answered(method: String, endpoint: String, code: Int, isLongRunning: Bool, in duration: Duration) {
        Meter(label: "kubelet_http_inflight_requests", factory: registry).decrement()
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(method) ? method : "other"
        let dimensions = [("long_running", "\(isLongRunning)"), ("method", known), ("path", endpoint)]
        Counter(
            label: "kubelet_http_requests_total", dimensions: [("code", "\(code)")] + dimensions, factory: registry
        ).increment()
        let (seconds, attoseconds) = duration.components
        Timer(label: "kubelet_http_requests_duration_seconds", dimensions: dimensions, factory: registry)
            .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    func connected(by change: Double) {
        Meter(label: "bulkhead_connections", factory: registry).increment(by: change)
    }

    func connectionRefused() { Counter(label: "bulkhead_connections_refused_total", factory: registry).increment() }

    func requestRefused(_ reason: String) {
        Counter(label: "bulkhead_requests_refused_total", dimensions: [("reason", reason)], factory: registry)
            .increment()
    }
}
