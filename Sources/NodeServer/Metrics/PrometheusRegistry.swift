// SPDX-License-Identifier: Apache-2.0

public import Metrics
internal import NodeModel
internal import Synchronization

/// Keeps what is measured by the API of swift-metrics, for Prometheus to read.
///
/// A timer is a histogram in seconds, a recorder that aggregates one of its values, any other recorder a gauge of the last.
/// A name has one kind: a metric that is made with another is not kept.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    /// The upper bounds of a histogram's buckets unless ``describe(_:help:buckets:)`` says others: Prometheus' own.
    public static let defaultBuckets: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private struct Series: Hashable {
        var name: String
        var labels: [MetricSample.Label]
    }
    private struct Description {
        var help: String
        var buckets: [Double]
    }
    private struct State {
        var kinds: [String: MeasuredValue.Kind] = [:]
        var descriptions: [String: Description] = [:]
        /// In the order in which they were made.
        var series: [(key: Series, value: MeasuredValue)] = []
        var index: [Series: Int] = [:]
    }
    private let state = Mutex(State())

    /// Nothing is kept yet.
    public init() {}

    /// Says what a metric means, before it is made.
    /// - Parameters:
    ///   - name: its name.
    ///   - help: what it means, in a sentence.
    ///   - buckets: the upper bounds of a histogram's buckets, rising.
    public func describe(_ name: String, help: String, buckets: [Double] = defaultBuckets) {
        state.withLock { $0.descriptions[PrometheusText.name(name)] = Description(help: help, buckets: buckets) }
    }

    /// All of it, for Prometheus.
    func text(with samples: [MetricSample]) -> String {
        var text = PrometheusText()
        let (series, descriptions) = state.withLock { ($0.series, $0.descriptions) }
        for (key, value) in series {
            let help = descriptions[key.name]?.help ?? key.name
            for line in value.lines(key.labels) {
                text.add(line, to: key.name, kind: value.kind.rawValue, help: help)
            }
        }
        text.add(samples)
        return text.text
    }

    private func value(_ label: String, _ dimensions: [(String, String)], _ kind: MeasuredValue.Kind) -> MeasuredValue {
        let labels = PrometheusText.labels(dimensions.map { MetricSample.Label(name: $0.0, value: $0.1) })
        let key = Series(name: PrometheusText.name(label), labels: labels)
        return state.withLock { state in
            if let index = state.index[key], state.series[index].value.kind == kind { return state.series[index].value }
            let buckets = state.descriptions[key.name]?.buckets ?? Self.defaultBuckets
            let value = MeasuredValue(kind, buckets: kind == .histogram ? buckets : [])
            guard state.kinds[key.name] ?? kind == kind else { return value }
            state.kinds[key.name] = kind
            state.index[key] = state.series.count
            state.series.append((key, value))
            return value
        }
    }

    /// Makes a counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        value(label, dimensions, .counter)
    }
    /// Makes a counter of fractions.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        FractionCounter(value: value(label, dimensions, .counter))
    }
    /// Makes a gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        value(label, dimensions, .gauge)
    }
    /// Makes a histogram, or a gauge.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        value(label, dimensions, aggregate ? .histogram : .gauge)
    }
    /// Makes a histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        value(label, dimensions, .histogram)
    }

    /// What was counted stays: Prometheus takes what disappears for a restart.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// What was counted stays.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    /// What was measured stays.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// What was measured stays.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// What was measured stays.
    public func destroyTimer(_ handler: any TimerHandler) {}
}
