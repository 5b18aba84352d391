// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import NodeModel
internal import Synchronization

/// One counter, gauge or histogram.
final class MeasuredValue: CounterHandler, MeterHandler, RecorderHandler, TimerHandler, Sendable {
    /// What it is, as Prometheus says it.
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }
    private struct State {
        var value = 0.0
        var count: UInt64 = 0
        var buckets: [UInt64]
    }

    let kind: Kind
    private let bounds: [Double]
    private let state: Mutex<State>

    init(_ kind: Kind, buckets: [Double]) {
        self.kind = kind
        bounds = buckets
        state = Mutex(State(buckets: Array(repeating: 0, count: buckets.count)))
    }

    /// The lines that show it.
    func lines(_ labels: [MetricSample.Label]) -> [PrometheusText.Line] {
        let state = self.state.withLock { $0 }
        guard kind == .histogram else { return [PrometheusText.Line(labels: labels, value: state.value)] }
        var lines: [PrometheusText.Line] = []
        for (bound, count) in zip(bounds + [.infinity], state.buckets + [state.count]) {
            let bucket = MetricSample.Label(name: "le", value: PrometheusText.number(bound))
            lines.append(PrometheusText.Line(suffix: "_bucket", labels: labels + [bucket], value: Double(count)))
        }
        lines.append(PrometheusText.Line(suffix: "_sum", labels: labels, value: state.value))
        lines.append(PrometheusText.Line(suffix: "_count", labels: labels, value: Double(state.count)))
        return lines
    }

    // A counter only grows: what is not above zero is not counted.
    func increment(by amount: Int64) { add(Double(max(0, amount))) }
    func increment(by amount: Double) { add(kind == .counter ? max(0, amount) : amount) }
    func decrement(by amount: Double) { if kind == .gauge { add(-amount) } }
    private func add(_ amount: Double) {
        if amount.isFinite { state.withLock { $0.value += amount } }
    }
    func reset() { state.withLock { $0 = State(buckets: Array(repeating: 0, count: bounds.count)) } }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        guard kind == .histogram else { return set(value) }
        guard value.isFinite else { return }
        state.withLock { state in
            state.value += value
            state.count += 1
            for index in bounds.indices where value <= bounds[index] { state.buckets[index] += 1 }
        }
    }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    // Prometheus has seconds.
    func preferDisplayUnit(_ unit: TimeUnit) {}
}

/// A counter of fractions; swift-metrics tells it from one of whole numbers by its type.
final class FractionCounter: FloatingPointCounterHandler, Sendable {
    let value: MeasuredValue
    init(value: MeasuredValue) { self.value = value }
    func increment(by amount: Double) { value.increment(by: amount) }
    func reset() { value.reset() }
}
