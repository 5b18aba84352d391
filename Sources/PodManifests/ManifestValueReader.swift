// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Yams

/// Reads a part of a manifest as it stands, so that two spellings of one meaning are one value.
enum ManifestValueReader {
    /// A value; nil when it says nothing.
    static func value(_ field: Field) throws(ManifestError) -> ManifestValue? {
        if field.isNull { return nil }
        switch field.node {
        case .scalar(let scalar):
            if let flag = try? field.bool() { return .flag(flag) }
            // A whole number is the same however it is written; whether a text is a number is up to the field.
            return .text(Int64(scalar.string).map { "\($0)" } ?? scalar.string)
        case .sequence:
            var items: [ManifestValue] = []
            for item in try field.items() { items.append(try value(item) ?? .nothing) }
            return items.isEmpty ? nil : .list(items)
        case .mapping: return try object(field)
        case .alias: throw field.error("is an alias of nothing")
        }
    }

    private static func object(_ field: Field) throws(ManifestError) -> ManifestValue? {
        var values: [String: ManifestValue] = [:]
        for (name, member) in try field.object().members {
            if let value = amounts.contains(name) ? try quantities(member) : try value(member) { values[name] = value }
        }
        let name = name(of: field)
        if name == "resources" { fillRequests(&values) }
        for (member, standard) in defaults[name] ?? [:] where values[member] == .text(standard) { values[member] = nil }
        // What kind a volume is, and whether a selector is there at all, is said by an object that may be empty.
        let saysByBeing = field.path.contains(".volumes[") || name.hasSuffix("Selector") && name != "nodeSelector"
        return values.isEmpty && !saysByBeing ? nil : .object(values)
    }

    /// The last field of the path; of an item, the name of its list.
    private static func name(of field: Field) -> String {
        let last = field.path.split(separator: ".").last ?? ""
        return String(last.prefix { $0 != "[" })
    }

    private static let amounts: Set<String> = ["requests", "limits", "overhead"]

    private static func quantities(_ field: Field) throws(ManifestError) -> ManifestValue? {
        if field.isNull { return nil }
        var values: [String: ManifestValue] = [:]
        for (name, amount) in try field.object().members { values[name] = .text("\(try amount.quantity())") }
        return values.isEmpty ? nil : .object(values)
    }

    /// A limit without a request is a request of as much.
    private static func fillRequests(_ values: inout [String: ManifestValue]) {
        guard case .object(let limits)? = values["limits"] else { return }
        var requests: [String: ManifestValue] = [:]
        if case .object(let said)? = values["requests"] { requests = said }
        values["requests"] = .object(requests.merging(limits) { own, _ in own })
    }

    /// What the Kubernetes API server fills in, by the object that it is in. Source: pkg/apis/core/v1/defaults.go.
    private static let defaults: [String: [String: String]] = {
        let container = ["terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"]
        let probe = [
            "timeoutSeconds": "1", "periodSeconds": "10", "successThreshold": "1", "failureThreshold": "3",
            "initialDelaySeconds": "0",
        ]
        return [
            "containers": container, "initContainers": container, "ports": ["protocol": "TCP"],
            "spec": [
                "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": "30",
                "schedulerName": "default-scheduler",
            ],
            "livenessProbe": probe, "readinessProbe": probe, "startupProbe": probe,
            "httpGet": ["scheme": "HTTP", "path": "/"], "hostPath": ["type": ""],
        ]
    }()
}
