// SPDX-License-Identifier: Apache-2.0

extension MemoryPlan: CustomStringConvertible {
    /// One write a line.
    public var description: String { writes.map(\.description).joined(separator: "\n") }
}

extension CgroupWrite: CustomStringConvertible {
    /// `memory.low <- 402653184 in /kubepods/burstable`.
    public var description: String { "\(file) <- \(value) in \(path)" }
}

extension PlanWarning: CustomStringConvertible {
    /// `overcommitted-protection: …`.
    public var description: String { "\(id): \(text)" }
}

/// A key of a JSON object known only when it is written.
private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension MemoryPlan: Encodable {
    /// Writes the document `bulkhead plan --json` prints: `cgroups`, `pods`, `metrics`, `warnings`.
    public func encode(to encoder: any Encoder) throws {
        var document = encoder.container(keyedBy: Key.self)
        try document.encode(cgroups, forKey: Key("cgroups"))
        try document.encode(pods, forKey: Key("pods"))
        try document.encode(metrics, forKey: Key("metrics"))
        try document.encode(warnings, forKey: Key("warnings"))
    }
}

extension PlannedCgroup: Encodable {
    /// Writes `path` and `files`.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(path.description, forKey: Key("path"))
        var values = object.nestedContainer(keyedBy: Key.self, forKey: Key("files"))
        for file in files { try values.encode(file.value, forKey: Key(file.name)) }
    }
}

extension PlannedPod: Encodable {
    /// Writes `namespace`, `name`, `uid` and `qosClass`.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(namespace, forKey: Key("namespace"))
        try object.encode(name, forKey: Key("name"))
        try object.encode(uid, forKey: Key("uid"))
        try object.encode(qosClass, forKey: Key("qosClass"))
    }
}

extension MemoryQoSMetrics: Encodable {
    /// The gauges by their names, in the order the kubelet registers them.
    public var gauges: [(name: String, value: UInt64)] {
        [
            ("kubelet_memory_qos_node_memory_min_bytes", guaranteed.bytes),
            ("kubelet_memory_qos_node_memory_low_bytes", burstable.bytes),
        ]
    }

    /// The gauges in Prometheus' text format, without a newline at the end.
    public var prometheusText: String {
        let help = [
            "[ALPHA] Memory in bytes that Guaranteed pods ask for, which memory.min protects.",
            "[ALPHA] Memory in bytes that Burstable pods ask for, which memory.low protects.",
        ]
        return zip(gauges, help).map { gauge, help in
            "# HELP \(gauge.name) \(help)\n# TYPE \(gauge.name) gauge\n\(gauge.name) \(gauge.value)"
        }.joined(separator: "\n")
    }

    /// Writes the gauges by their names.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        for gauge in gauges { try object.encode(gauge.value, forKey: Key(gauge.name)) }
    }
}
