// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metrics
import NodeModel
import Synchronization
import TestSupport
import Testing

@testable import NodeServer

@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    @Test func `Counters, gauges and histograms are printed by name, each family once`() {
        let registry = PrometheusRegistry()
        registry.describe("b_seconds", help: "Time.", buckets: [0.1, 1])
        registry.describe("a_total", help: "What\nand \\ why.")
        Counter(label: "a_total", dimensions: [("path", "\"x\"\n\\")], factory: registry).increment(by: 3)
        Counter(label: "a_total", dimensions: [("path", "y")], factory: registry).increment()
        Counter(label: "a_total", dimensions: [("path", "y")], factory: registry).increment()
        let timer = Timer(label: "b_seconds", factory: registry)
        for milliseconds in [50, 100, 500, 5000] { timer.recordMilliseconds(milliseconds) }
        Gauge(label: "c bad-name", factory: registry).record(-1.5)
        let text = registry.text(with: [
            MetricSample(name: "0d", kind: .gauge, help: "A sample.", value: .infinity),
            // A second kind, and a second value, of what is there.
            MetricSample(name: "a_total", kind: .gauge, help: "Other.", value: 1),
            MetricSample(name: "c_bad_name", kind: .gauge, help: "Other.", value: 1),
        ])
        #expect(
            text == """
                # HELP _d A sample.
                # TYPE _d gauge
                _d +Inf
                # HELP a_total What\\nand \\\\ why.
                # TYPE a_total counter
                a_total{path="\\"x\\"\\n\\\\"} 3
                a_total{path="y"} 2
                # HELP b_seconds Time.
                # TYPE b_seconds histogram
                b_seconds_bucket{le="0.1"} 2
                b_seconds_bucket{le="1"} 3
                b_seconds_bucket{le="+Inf"} 4
                b_seconds_sum 5.65
                b_seconds_count 4
                # HELP c_bad_name c_bad_name
                # TYPE c_bad_name gauge
                c_bad_name -1.5

                """)
    }

    @Test func `A name keeps its kind, and a counter never falls`() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "x_total", factory: registry)
        counter.increment(by: 2)
        counter.increment(by: -5)
        Gauge(label: "x_total", factory: registry).record(9)
        FloatingPointCounter(label: "y_total", factory: registry).increment(by: 0.5)
        FloatingPointCounter(label: "y_total", factory: registry).increment(by: 0.25)
        let meter = Meter(label: "z", factory: registry)
        meter.increment(by: 3)
        meter.decrement(by: 1)
        let lines = registry.text(with: []).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines == ["x_total 2", "y_total 0.75", "z 2"])
    }

    @Test func `Values are whole counts of concurrent work`() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        Counter(label: "n_total", dimensions: [("task", "\(task % 2)")], factory: registry).increment()
                        Timer(label: "t_seconds", factory: registry).recordNanoseconds(1)
                    }
                }
            }
        }
        let text = registry.text(with: [])
        #expect(text.contains("n_total{task=\"0\"} 2000\n") && text.contains("n_total{task=\"1\"} 2000\n"))
        #expect(text.contains("t_seconds_count 4000\n"))
    }

    @Test(.needs(.command("promtool"))) func `promtool finds nothing wrong with what a node says of itself`()
        async throws
    {
        let node = FakeNode()
        node.state.withLock {
            $0.samples = [
                MetricSample(
                    name: "kubelet_memory_qos_node_memory_min_bytes", kind: .gauge, help: "Protected \"memory\".",
                    value: 1_207_959_552),
                .staleSyncSkips(controller: "job", count: 3),
            ]
        }
        let text = try await withServer(node) { port in
            for path in ["/pods", "/configz", "/nothing", "/stats/summary", "/metrics"] {
                for token in [Tokens.admin, Tokens.nobody, "wrong"] { _ = try await ask(port, path, token: token) }
            }
            let answer = try #require(try await ask(port, "/metrics", token: Tokens.admin))
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            return answer.text
        }
        #expect(text.contains("kubelet_memory_qos_node_memory_min_bytes 1207959552\n"))
        #expect(text.contains("kubelet_http_requests_duration_seconds_bucket{"))
        #expect(
            text.contains(
                "kubelet_http_requests_total{code=\"200\",long_running=\"false\",method=\"GET\",path=\"pods\"} 1\n"))
        let result = try await run("promtool", ["check", "metrics"], input: text)
        #expect(result.status == 0, "\(result.output)\n\(text)")
    }
}
