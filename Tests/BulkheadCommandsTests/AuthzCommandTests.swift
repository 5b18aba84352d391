// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NodeModel
import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct AuthzCommandTests {
    @Test func `Without a user and a policy there is a mapping and no decision`() throws {
        let request = try NodeRequest(method: "GET", target: "/pods/")
        let mapping = AuthzExplanation(request: request, decision: nil)
        #expect(
            mapping.json.compact
                == #"{"verb": "get", "subresources": ["pods", "proxy"], "decision": null, "rule": null}"#)
        #expect(mapping.text == "GET /pods/: get on nodes/pods, else nodes/proxy")
    }

    @Test func `A decision names its rule and its binding`() throws {
        let request = try NodeRequest(method: "GET", target: "/exec/a/b/c", isUpgrade: true)
        let policy = AccessPolicy(
            roles: [AccessRole(name: "monitoring", rules: [AccessRule(verbs: ["create"], resources: ["nodes/proxy"])])],
            bindings: [AccessBinding(name: "ops", role: "monitoring", subjects: [.user("ann")])])
        let allowed = AuthzExplanation(
            request: request, decision: policy.decision(on: request, by: Account(name: "ann"), node: "n"))
        #expect(allowed.json.compact.hasSuffix(#""decision": "allow", "rule": "ClusterRole/monitoring[0]"}"#))
        #expect(
            allowed.text.hasSuffix(
                "allow: by ClusterRole/monitoring[0] on nodes/proxy, given by ClusterRoleBinding/ops"))
        let denied = AuthzExplanation(request: request, decision: .deny)
        #expect(
            denied.json.compact == #"{"verb": "create", "subresources": ["proxy"], "decision": "deny", "rule": null}"#)
        #expect(denied.text.hasSuffix("\ndeny: no rule allows it"))
    }

    @Test(arguments: [
        ["get", "/pods"], ["GET"], ["--group", "ops", "GET", "/pods"], ["--user", "", "GET", "/pods"],
        ["--user", "ann", "--anonymous", "GET", "/pods"], ["GET", "/pods", "more"],
    ])
    func `A command line that means nothing is refused`(arguments: [String]) {
        #expect(throws: (any Error).self) { try AuthzExplainCommand.parse(arguments) }
    }
}
