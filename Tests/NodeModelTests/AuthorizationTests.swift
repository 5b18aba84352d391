// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Attributes: Decodable {
        let test: String
        let fine_grained: Bool
        let method: String
        let path: String
        let expected_verb: String
        let expected_subresources: [String]
    }
    struct Subpath: Decodable {
        let test: String
        let subpath: String
        let path: String
        let expected: Bool
    }
    let attributes: [Attributes]
    let is_subpath: [Subpath]
}

@Suite struct AuthorizationTests {
    @Test func `Every request of the table maps to Kubernetes' verb and subresources`() throws {
        let table: Table = try vectors("kubelet_authz.json")
        #expect(table.attributes.count > 100)
        for row in table.attributes {
            let request = try NodeRequest(method: row.method, target: row.path)
            #expect(request.verb == row.expected_verb, "\(row.test)")
            #expect(request.subresources(fineGrained: row.fine_grained) == row.expected_subresources, "\(row.test)")
        }
        for row in table.is_subpath {
            #expect(NodeRequest.path(row.subpath, isBeneath: row.path) == row.expected, "\(row.test)")
        }
    }

    @Test(arguments: [
        ("/podsandmore", ["proxy"]), ("/healthzz", ["proxy"]), ("/pods/x/y", ["pods", "proxy"]), ("/", ["proxy"]),
        ("/runningpods", ["pods", "proxy"]), ("/Pods", ["proxy"]), ("/log", ["proxy"]), ("/logs", ["log"]),
        ("/pods?watch=1", ["pods", "proxy"]), ("/%70ods", ["pods", "proxy"]), ("/statusz/", ["statusz", "proxy"]),
        ("/stats", ["stats"]), ("/metrics/", ["metrics"]), ("/checkpoint/a/b/c", ["checkpoint"]),
    ])
    func `A path is its own prefix by whole segments, decoded and without its query`(path: String, expected: [String])
        throws
    {
        #expect(try NodeRequest(method: "GET", target: path).subresources == expected)
    }

    @Test(arguments: [
        "/pods/../exec/a/b/c", "/pods/%2e%2e/exec/a/b/c", "/pods/./x", "//exec", "/pods//x", "/pods%2f..%2fexec",
        "pods",
        "", "/pods/%zz", "/pods/%4", "/pods/%ff", "/pods/%00", "/pods/\n", "/pods/..", "/a%5c..%5cb",
        // A slash and a mark that combines with it; what a terminal or a log takes for more than a character.
        "/logs/../%CC%81x", "/logs/%CC%81/../x", "/a%C2%9B31m", "/a%E2%80%A8b",
    ])
    func `A path that two readers could take for two is refused`(path: String) {
        #expect(throws: NodeRequestError.self) { try NodeRequest(method: "GET", target: path) }
    }

    @Test func `What follows the path may hold encoded slashes`() throws {
        let request = try NodeRequest(method: "GET", target: "/exec/a/b/c?command=%2Fbin%2Fsh&command=%5c")
        #expect(request.path == "/exec/a/b/c")
    }

    @Test func `Names are compared byte by byte`() throws {
        let request = try NodeRequest(method: "GET", target: "/metrics")
        let everything = AccessRule(verbs: ["*"], resources: ["*"])
        for subject: AccessBinding.Subject in [.user("K"), .group("K")] {
            let policy = policy(everything, subjects: [subject])
            #expect(policy.decision(on: request, by: Account(name: "K", groups: ["K"]), node: "n") != .deny)
            let kelvin = Account(name: "\u{212A}", groups: ["\u{212A}"])
            #expect(policy.decision(on: request, by: kelvin, node: "n") == .deny)
        }
    }

    @Test(arguments: ["HEAD", "OPTIONS", "CONNECT", "TRACE", "get", "LIST", ""])
    func `A method without a verb is allowed by nothing but every verb`(method: String) throws {
        let request = try NodeRequest(method: method, target: "/metrics")
        #expect(request.verb == "")
        let every = policy(AccessRule(verbs: ["get", "create", "list"], resources: ["*"]))
        #expect(every.decision(on: request, by: ann, node: "n") == .deny)
        #expect(policy(AccessRule(verbs: ["*"], resources: ["*"])).decision(on: request, by: ann, node: "n") != .deny)
    }

    private let ann = Account(name: "ann", groups: ["ops"])

    private func policy(_ rules: AccessRule..., subjects: [AccessBinding.Subject] = [.user("ann")]) -> AccessPolicy {
        AccessPolicy(
            roles: [AccessRole(name: "role", rules: rules)],
            bindings: [AccessBinding(name: "binding", role: "role", subjects: subjects)])
    }

    private func rule(_ policy: AccessPolicy, _ method: String, _ path: String, upgrade: Bool = false) throws -> String?
    {
        let request = try NodeRequest(method: method, target: path, isUpgrade: upgrade)
        if case .allow(let rule) = policy.decision(on: request, by: ann, node: "n1") {
            return "\(rule) \(rule.subresource)"
        }
        return nil
    }

    @Test func `The first subresource that a rule allows decides, proxy last`() throws {
        let both = policy(
            AccessRule(verbs: ["get"], resources: ["nodes/proxy"]),
            AccessRule(verbs: ["get"], resources: ["nodes/pods"]))
        #expect(try rule(both, "GET", "/pods") == "ClusterRole/role[1] pods")
        let proxy = policy(AccessRule(verbs: ["get"], resources: ["nodes/proxy"]))
        #expect(try rule(proxy, "GET", "/pods") == "ClusterRole/role[0] proxy")
        #expect(try rule(proxy, "GET", "/healthz/ping") == "ClusterRole/role[0] proxy")
        // Kubernetes has no fallback for these four.
        for path in ["/stats/summary", "/metrics", "/logs/x", "/checkpoint/a/b/c"] {
            #expect(try rule(proxy, "GET", path) == nil)
        }
        #expect(try rule(proxy, "POST", "/pods") == nil)
    }

    @Test func `A monitoring account with get on nodes/proxy reads, and executes nothing over a WebSocket`() throws {
        let monitoring = policy(AccessRule(verbs: ["get"], resources: ["nodes/proxy", "nodes/metrics"]))
        #expect(try rule(monitoring, "GET", "/containerLogs/default/db/app") != nil)
        // As Kubernetes has it, the plain GET of an exec is a get too: it is the upgrade that makes it one.
        #expect(try rule(monitoring, "GET", "/exec/default/db/app?command=id", upgrade: true) == nil)
        let admin = policy(AccessRule(verbs: ["create"], resources: ["nodes/proxy"]))
        #expect(try rule(admin, "GET", "/exec/default/db/app?command=id", upgrade: true) != nil)
    }

    @Test func `Rules match verbs, groups, resources and names as RBAC's do`() throws {
        func allows(_ rule: AccessRule) throws -> Bool { try self.rule(policy(rule), "GET", "/metrics") != nil }
        #expect(try allows(AccessRule(verbs: ["*"], resources: ["*/metrics"])))
        #expect(try allows(AccessRule(verbs: ["get"], apiGroups: ["*"], resources: ["*"])))
        #expect(try allows(AccessRule(verbs: ["get"], resources: ["nodes/metrics"], resourceNames: ["n0", "n1"])))
        #expect(try !allows(AccessRule(verbs: ["get"], resources: ["nodes/metrics"], resourceNames: ["n2"])))
        #expect(try !allows(AccessRule(verbs: ["get"], apiGroups: ["apps"], resources: ["nodes/metrics"])))
        #expect(try !allows(AccessRule(verbs: ["get"], resources: ["nodes/*"])))
        #expect(try !allows(AccessRule(verbs: ["get"], resources: ["nodes"])))
        #expect(try !allows(AccessRule(verbs: ["list"], resources: ["nodes/metrics"])))
        #expect(try !allows(AccessRule(verbs: [], resources: [])))
    }

    @Test func `Subjects are users, groups with those implied, and service accounts`() throws {
        let request = try NodeRequest(method: "GET", target: "/metrics")
        func allows(_ subject: AccessBinding.Subject, _ account: Account) -> Bool {
            let policy = policy(AccessRule(verbs: ["get"], resources: ["nodes/metrics"]), subjects: [subject])
            return policy.decision(on: request, by: account, node: "n") != .deny
        }
        let robot = Account(name: "system:serviceaccount:monitoring:prometheus")
        #expect(allows(.group("ops"), ann))
        #expect(!allows(.group("dev"), ann))
        #expect(!allows(.user("Ann"), ann))
        #expect(allows(.group("system:authenticated"), ann))
        #expect(!allows(.group("system:authenticated"), .anonymous))
        #expect(allows(.group("system:unauthenticated"), .anonymous))
        #expect(allows(.user("system:anonymous"), .anonymous))
        #expect(allows(.serviceAccount(namespace: "monitoring", name: "prometheus"), robot))
        #expect(!allows(.serviceAccount(namespace: "other", name: "prometheus"), robot))
        #expect(allows(.group("system:serviceaccounts"), robot))
        #expect(allows(.group("system:serviceaccounts:monitoring"), robot))
        #expect(!allows(.group("system:serviceaccounts"), ann))
    }

    @Test func `Without a binding, or with one to a role that is not there, everything is denied`() throws {
        let request = try NodeRequest(method: "GET", target: "/metrics")
        #expect(AccessPolicy().decision(on: request, by: ann, node: "n") == .deny)
        let dangling = AccessPolicy(bindings: [AccessBinding(name: "b", role: "none", subjects: [.user("ann")])])
        #expect(dangling.decision(on: request, by: ann, node: "n") == .deny)
        let builtIn = AccessPolicy(
            bindings: [AccessBinding(name: "b", role: "system:kubelet-api-admin", subjects: [.user("ann")])])
        #expect(builtIn.decision(on: request, by: ann, node: "n") != .deny)
    }
}
