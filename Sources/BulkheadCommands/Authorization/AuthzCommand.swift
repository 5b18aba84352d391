// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import NodeModel
internal import PodLaunching
internal import PodManifests
internal import SystemPackage
internal import ToolOutput

/// `bulkhead authz`: who may ask the node what.
struct AuthzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authz", abstract: "Explains who may ask the node API what.",
        subcommands: [AuthzExplainCommand.self])
}

/// `bulkhead authz explain`: what a request maps to, and the rule that allows it.
struct AuthzExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tells what a request to the node API maps to, and by which rule it is allowed or that it is denied.",
        discussion: """
            Fine-grained authorization as in Kubernetes 1.36 (KEP-2862): a verb on a subresource of the node; some paths \
            fall back to nodes/proxy. FILE holds ClusterRoles and ClusterRoleBindings. What no rule allows is denied.

            One thing is stricter than in Kubernetes: a request that asks for another protocol, as exec does over \
            WebSocket, is 'create' whatever its method. There it is a 'get', which a monitoring account has.

            Examples:
              bulkhead authz explain GET /metrics/cadvisor
              bulkhead authz explain --user scraper --policy policy.yaml GET /pods
              bulkhead authz explain --user scraper --policy policy.yaml --upgrade GET /exec/default/db/app
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(help: .init("Who asks: a user's name, or system:serviceaccount:NAMESPACE:NAME.", valueName: "user"))
    var user: String?

    @Option(
        name: .customLong("group"),
        help: .init("A group of the user; system:authenticated is implied.", valueName: "group"))
    var groups: [String] = []

    @Flag(help: "Who asks gave neither certificate nor token.")
    var anonymous = false

    @Option(help: .init("The policy: Kubernetes RBAC objects, YAML or JSON.", valueName: "file"), completion: .file())
    var policy: String?

    @Flag(help: "The request asks for another protocol, as WebSockets do.")
    var upgrade = false

    @Option(help: .init("The node's name, for rules that name resources (this machine's).", valueName: "name"))
    var node: String?

    @Argument(help: .init("The HTTP method.", valueName: "method"))
    var method: String

    @Argument(help: .init("The path, as sent.", valueName: "path"))
    var path: String

    func validate() throws {
        if anonymous, user != nil { throw ValidationError("--user and --anonymous: somebody has a name or has none") }
        if user == nil, !groups.isEmpty { throw ValidationError("--group is of a --user") }
        if user?.isEmpty == true { throw ValidationError("--user: the name is empty") }
        guard !method.isEmpty, method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) else {
            throw ValidationError("'\(method.printable)' is no HTTP method; methods are upper case, as in GET")
        }
    }

    func run() throws {
        let request: NodeRequest
        do { request = try NodeRequest(method: method, target: path, isUpgrade: upgrade) } catch {
            throw ToolFailure(.usage, "\(error)".printable)
        }
        let account: Account? = anonymous ? .anonymous : user.map { Account(name: $0, groups: groups) }
        let file = try policy.map { try ManifestFile(path: $0).accessPolicy() }
        for note in file?.notes ?? [] { Output.complain(note.printable) }
        var explanation = AuthzExplanation(request: request, decision: nil)
        if let account, let file {
            explanation.decision = file.policy.decision(on: request, by: account, node: node ?? Node.nameOfThisMachine)
        }
        if json { try Output.print(explanation.json) } else { try Output.print(explanation.text) }
    }
}

/// What `authz explain` prints.
struct AuthzExplanation {
    let request: NodeRequest
    var decision: AccessDecision?

    var json: JSON {
        let (decision, rule): (JSON, JSON) =
            switch decision {
            case .allow(let rule): ("allow", "\(rule)")
            case .deny: ("deny", nil)
            case nil: (nil, nil)
            }
        return [
            "verb": .string(request.verb), "subresources": .strings(request.subresources), "decision": decision,
            "rule": rule,
        ]
    }

    var text: String {
        let asked = request.subresources.map { "nodes/\($0)" }.joined(separator: ", else ")
        let verb = request.verb.isEmpty ? "no verb, which only a rule for every verb (*) allows," : request.verb
        let first = "\(request.method) \(request.path.printable): \(verb) on \(asked)"
        switch decision {
        case .allow(let rule):
            return first
                + "\nallow: by \(rule) on nodes/\(rule.subresource), given by ClusterRoleBinding/\(rule.binding)"
        case .deny: return first + "\ndeny: no rule allows it"
        case nil: return first
        }
    }
}
