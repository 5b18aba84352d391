// SPDX-License-Identifier: Apache-2.0

import NodeModel

enum ProbeReader {
    private static let fields = [
        "exec", "tcpSocket", "httpGet", "grpc", "initialDelaySeconds", "timeoutSeconds", "periodSeconds",
        "successThreshold", "failureThreshold", "terminationGracePeriodSeconds",
    ]

    /// A probe of a container; nil when it has none of the name.
    static func probe(
        _ kind: ProbeKind, of container: FieldObject, isSidecar: Bool, isInit: Bool
    ) throws(ManifestError) -> Probe? {
        guard let field = container[kind.rawValue + "Probe"] else { return nil }
        if isInit, !isSidecar { throw field.error("may not be set for init containers that are not restarted always") }
        let object = try field.object()
        try object.checkSpelling(of: fields)
        let successes = try seconds("successThreshold", in: object, from: 1) ?? 1
        if kind != .readiness, successes != 1 { throw try object.required("successThreshold").error("must be 1") }
        let grace = try seconds("terminationGracePeriodSeconds", in: object, from: 1)
        if kind == .readiness, grace != nil {
            throw try object.required("terminationGracePeriodSeconds").error("must not be set for readinessProbes")
        }
        // Kubernetes takes a zero for "not said".
        return Probe(
            try action(object, ports(container)),
            initialDelay: .seconds(try seconds("initialDelaySeconds", in: object, from: 0) ?? 0),
            timeout: .seconds(try said("timeoutSeconds", in: object) ?? 1),
            period: .seconds(try said("periodSeconds", in: object) ?? 10), successThreshold: Int(successes),
            failureThreshold: Int(try said("failureThreshold", in: object) ?? 3),
            terminationGracePeriod: grace.map { .seconds($0) })
    }

    private static func seconds(
        _ name: String, in object: FieldObject, from least: Int64
    ) throws(ManifestError) -> Int64? {
        try object[name].map { field throws(ManifestError) in try field.integer(in: least...Int64(Int32.max)) }
    }

    private static func said(_ name: String, in object: FieldObject) throws(ManifestError) -> Int64? {
        guard let number = try seconds(name, in: object, from: 0), number > 0 else { return nil }
        return number
    }

    private static func action(_ object: FieldObject, _ ports: [String: UInt16]) throws(ManifestError) -> Probe.Action {
        let kinds = ["exec", "tcpSocket", "httpGet", "grpc"].filter { object[$0] != nil }
        guard let kind = kinds.first else { throw object.field.error("must say how: exec, tcpSocket, httpGet or grpc") }
        if kinds.count > 1 { throw object.field.error("says several ways: \(kinds.joined(separator: ", "))") }
        let details = try object.required(kind).object()
        switch kind {
        case "exec":
            let command = try details.strings("command")
            if command.isEmpty { throw try details.required("command").error("must not be empty") }
            return .exec(command)
        case "tcpSocket":
            return .tcpSocket(port: try port(details.required("port"), ports), host: try details.string("host"))
        case "grpc":
            let number = try details.required("port").integer(in: 1...65_535)
            return .grpc(port: UInt16(number), service: try details.string("service") ?? "")
        default: return .httpGet(try request(details, ports))
        }
    }

    private static func request(
        _ object: FieldObject, _ ports: [String: UInt16]
    ) throws(ManifestError) -> Probe.HTTPRequest {
        var headers: [Probe.HTTPRequest.Header] = []
        for item in try object.items("httpHeaders") {
            let header = try item.object()
            headers.append(
                Probe.HTTPRequest.Header(
                    name: try header.required("name").string(), value: try header.string("value") ?? ""))
        }
        let scheme = try object.string("scheme") ?? "HTTP"
        guard ["HTTP", "HTTPS"].contains(scheme) else {
            throw try object.required("scheme").error("'\(scheme)' is not one of HTTP, HTTPS")
        }
        return Probe.HTTPRequest(
            path: try object.string("path") ?? "/", port: try port(object.required("port"), ports),
            host: try object.string("host"), isTLS: scheme == "HTTPS", headers: headers)
    }

    /// A number, or the name of one of the container's ports.
    private static func port(_ field: Field, _ ports: [String: UInt16]) throws(ManifestError) -> UInt16 {
        guard let name = try? field.string() else { return UInt16(try field.integer(in: 1...65_535)) }
        if let number = UInt16(name), number > 0 { return number }
        guard let number = ports[name] else { throw field.error("'\(name)' is none of the container's ports") }
        return number
    }

    private static func ports(_ container: FieldObject) throws(ManifestError) -> [String: UInt16] {
        var ports: [String: UInt16] = [:]
        for item in try container.items("ports") {
            let port = try item.object()
            let number = try port.required("containerPort").integer(in: 1...65_535)
            if let name = try port.string("name") { ports[name] = UInt16(number) }
        }
        return ports
    }
}
