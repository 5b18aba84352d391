// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Testing

@Suite struct AccessPolicyFileTests {
    static let roles = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: monitoring}
        rules:
        - apiGroups: [""]
          resources: [nodes/metrics, nodes/stats]
          verbs: [get]
        - apiGroups: [""]
          resources: ["nodes/pods"]
          verbs: ["get"]
          resourceNames: [n1]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: monitoring}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: monitoring}
        subjects:
        - {kind: ServiceAccount, name: prometheus, namespace: monitoring}
        - {apiGroup: rbac.authorization.k8s.io, kind: User, name: ann}
        - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: ops}
        """

    @Test func `Cluster roles and their bindings become a policy`() throws {
        let file = try AccessPolicyFile(parsing: Self.roles, file: "policy.yaml")
        #expect(file.notes.isEmpty)
        #expect(
            file.policy.bindings.map(\.subjects) == [
                [.serviceAccount(namespace: "monitoring", name: "prometheus"), .user("ann"), .group("ops")]
            ])
        #expect(
            file.policy.roles["monitoring"]?.rules.map(\.resources) == [
                ["nodes/metrics", "nodes/stats"], ["nodes/pods"],
            ])
        let pods = try NodeRequest(method: "GET", target: "/pods")
        let ann = Account(name: "ann")
        #expect(file.policy.decision(on: pods, by: ann, node: "n1") != .deny)
        #expect(file.policy.decision(on: pods, by: ann, node: "n2") == .deny)
    }

    @Test(arguments: [("resourceNames", "resourceName"), ("subjects", "subject"), ("rules", "Rules")])
    func `A field that is a slip is refused, for it would take a limit away`(name: String, slip: String) throws {
        let text = Self.roles.replacing("\(name):", with: "\(slip):")
        let error = #expect(throws: ManifestError.self) { try AccessPolicyFile(parsing: text, file: "policy.yaml") }
        #expect(error?.description.contains("'\(name)' is") == true)
    }

    @Test func `What has no effect on a node is a note with its place`() throws {
        let file = try AccessPolicyFile(
            parsing: """
                apiVersion: v1
                kind: List
                items:
                - apiVersion: rbac.authorization.k8s.io/v1
                  kind: Role
                  metadata: {name: reader, namespace: default}
                  rules: []
                - apiVersion: rbac.authorization.k8s.io/v1
                  kind: ClusterRole
                  metadata: {name: odd}
                  rules:
                  - {apiGroups: [""], resources: ["nodes/*"], verbs: [get]}
                  - {nonResourceURLs: [/metrics], verbs: [get]}
                """, file: "p.yaml")
        #expect(file.notes.count == 3)
        #expect(file.notes[0] == "p.yaml:4: Role reader allows nothing here: nodes are in no namespace")
        #expect(file.notes[1].hasPrefix("p.yaml:12: items[1].rules[0].resources: 'nodes/*' matches nothing"))
        #expect(file.notes[2].hasPrefix("p.yaml:13: items[1].rules[1] allows nothing here"))
    }

    @Test(arguments: [
        ("kind: ClusterRoles", "kind: ClusterRole", "kind: 'ClusterRoles' is none of"),
        (
            "rbac.authorization.k8s.io/v1beta1\nkind: ClusterRole\n",
            "rbac.authorization.k8s.io/v1\nkind: ClusterRole\n",
            "policy.yaml:1: apiVersion: 'rbac.authorization.k8s.io/v1beta1' is not rbac.authorization.k8s.io/v1"
        ),
        ("verbs: []", "verbs: [get]", "rules[0].verbs: names no verb"),
        ("apiGroups: []", "apiGroups: [\"\"]", "rules[0].apiGroups: names no group"),
        (
            "kind: Role, name: monitoring", "kind: ClusterRole, name: monitoring",
            "roleRef.kind: 'Role' is not ClusterRole"
        ),
        (
            "kind: ClusterRole, name: other", "kind: ClusterRole, name: monitoring",
            "roleRef.name: there is no ClusterRole 'other' in this file"
        ),
        ("kind: Robot", "kind: Group", "subjects[2].kind: 'Robot' is none of User, Group and ServiceAccount"),
        (
            "kind: ServiceAccount, name: prometheus}", "kind: ServiceAccount, name: prometheus, namespace: monitoring}",
            "subjects[0].namespace: is missing"
        ),
    ])
    func `A mistake is told by line and field`(wrong: String, right: String, message: String) throws {
        let range = try #require(Self.roles.firstRange(of: right))
        var text = Self.roles
        text.replaceSubrange(range, with: wrong)
        let error = #expect(throws: ManifestError.self) { try AccessPolicyFile(parsing: text, file: "policy.yaml") }
        #expect("\(try #require(error))".contains(message))
    }

    @Test func `A role that is given twice is told with where it was first`() throws {
        let end = try #require(Self.roles.firstRange(of: "---"))
        let role = String(Self.roles[..<end.lowerBound])
        let error = #expect(throws: ManifestError.self) {
            try AccessPolicyFile(parsing: role + "---\n" + role, file: "p.yaml")
        }
        #expect("\(try #require(error))".contains("is given twice; first at p.yaml:3"))
    }
}
