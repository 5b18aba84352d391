// SPDX-License-Identifier: Apache-2.0

/// A number that monitoring reads: a name, labels in the order they are printed in, a value.
public struct MetricSample: Hashable, Sendable {
    /// Whether it only grows.
    public enum Kind: String, Hashable, Sendable {
        /// It only grows, from zero at each start.
        case counter
        /// It goes up and down.
        case gauge
    }
    /// A label.
    public struct Label: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A label.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The name, as Kubernetes spells it.
    public var name: String
    /// Counter or gauge.
    public var kind: Kind
    /// What it means, in a sentence.
    public var help: String
    /// Labels, in order.
    public var labels: [Label]
    /// The value. Whole numbers are exact up to 2^53, which is what Prometheus keeps of them.
    public var value: Double

    /// A number.
    public init(name: String, kind: Kind, help: String, labels: [Label] = [], value: Double) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.value = value
    }

    /// How many times a controller did not reconcile because a cache was older than its own last write.
    ///
    /// Kubernetes has a metric for each controller: `job_controller_stale_sync_skips_total`,
    /// `daemonset_controller_stale_sync_skips_total`. Source: KEP-5647.
    /// - Parameters:
    ///   - controller: the controller in lower case, as `job`.
    ///   - count: how many times.
    public static func staleSyncSkips(controller: String, count: UInt64) -> MetricSample {
        MetricSample(
            name: "\(controller)_controller_stale_sync_skips_total", kind: .counter,
            help: "Reconciliations that were put off because a cache was older than the controller's own last write.",
            value: Double(count))
    }

    /// How far a cache is: the last 15 digits of its version. Source: client-go, tools/cache, thread_safe_store.go.
    /// - Parameters:
    ///   - identity: what the cache holds.
    ///   - gauge: ``StoreContents/versionGauge``.
    public static func storeResourceVersion(_ identity: InformerIdentity, gauge: Int64) -> MetricSample {
        MetricSample(
            name: "informer_store_resource_version", kind: .gauge,
            help: "The last 15 digits of the resource version that a cache has seen.",
            labels: [
                Label(name: "name", value: identity.name), Label(name: "group", value: identity.group),
                Label(name: "version", value: identity.version), Label(name: "resource", value: identity.resource),
            ], value: Double(gauge))
    }
}

extension Informer {
    /// The gauge of the cache's version.
    public var metric: MetricSample {
        .storeResourceVersion(identity, gauge: store.snapshot.versionGauge)
    }
}
