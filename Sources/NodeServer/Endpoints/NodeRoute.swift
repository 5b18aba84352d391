// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// Which endpoint a path leads to. The path is the one that the policy was asked about, decoded once.
enum NodeRoute: Hashable, Sendable {
    /// `/healthz`, or one check of it.
    case health(String?)
    /// `/statusz`.
    case status
    /// `/metrics`.
    case metrics
    /// `/pods`; those that run at `/runningpods/`.
    case pods(running: Bool)
    /// `/configz`.
    case configuration
    /// `/stats/summary`.
    case summary
    /// `/logs/`, and what is beneath it.
    case logs(String)
    /// `/containerLogs/…`.
    case containerLog(ContainerReference)
    /// `/exec/…`.
    case exec(ContainerReference)

    /// The route of a path; nil for none.
    init?(_ path: String) {
        // By bytes, as the policy does.
        var parts = path.utf8.split(separator: UInt8(ascii: "/")).map { "\(Substring($0))" }
        guard !parts.isEmpty else { return nil }
        let first = parts.removeFirst()
        switch (first, parts.count) {
        case ("healthz", 0): self = .health(nil)
        case ("healthz", 1): self = .health(parts[0])
        case ("statusz", 0): self = .status
        case ("metrics", 0): self = .metrics
        case ("pods", 0): self = .pods(running: false)
        case ("runningpods", 0): self = .pods(running: true)
        case ("configz", 0): self = .configuration
        case ("stats", 1) where parts[0] == "summary": self = .summary
        case ("logs", _): self = .logs(parts.joined(separator: "/"))
        case ("containerLogs", 3): self = .containerLog(Self.container(parts))
        case ("exec", 3): self = .exec(Self.container(parts))
        case ("exec", 4):
            self = .exec(
                ContainerReference(namespace: parts[0], pod: parts[1], uid: parts[2], container: parts[3]))
        default: return nil
        }
    }

    private static func container(_ parts: [String]) -> ContainerReference {
        ContainerReference(namespace: parts[0], pod: parts[1], container: parts[2])
    }

    /// The endpoint's name, for labels: one of a few.
    var name: String {
        switch self {
        case .health: "healthz"
        case .status: "statusz"
        case .metrics: "metrics"
        case .pods(let running): running ? "runningpods" : "pods"
        case .configuration: "configz"
        case .summary: "stats/summary"
        case .logs: "logs"
        case .containerLog: "containerLogs"
        case .exec: "exec"
        }
    }
}
