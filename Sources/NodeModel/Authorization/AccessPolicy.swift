// SPDX-License-Identifier: Apache-2.0

/// Who may do what on this node: roles and who is bound to them, in the form of Kubernetes' RBAC. What no rule allows is
/// denied.
///
/// Source of the rules: kubernetes, pkg/apis/rbac/v1/evaluation_helpers.go, plugin/pkg/auth/authorizer/rbac.
public struct AccessPolicy: Hashable, Sendable {
    /// Cluster roles by name.
    public var roles: [String: AccessRole]
    /// Who has them.
    public var bindings: [AccessBinding]

    /// A policy. Roles that come with Kubernetes (``AccessRole/builtIn``) are there unless given anew.
    public init(roles: [AccessRole] = [], bindings: [AccessBinding] = []) {
        self.roles = Dictionary(AccessRole.builtIn.map { ($0.name, $0) }) { $1 }
        for role in roles { self.roles[role.name] = role }
        self.bindings = bindings
    }

    /// Whether somebody may have a request answered, and by which rule.
    ///
    /// - Parameters:
    ///   - request: what is asked.
    ///   - account: who asks.
    ///   - node: the node's name, for rules that name resources.
    public func decision(on request: NodeRequest, by account: Account, node: String) -> AccessDecision {
        for subresource in request.subresources {
            for binding in bindings where binding.subjects.contains(where: account.matches) {
                guard let role = roles[binding.role] else { continue }
                let index = role.rules.firstIndex { $0.allows(request.verb, "nodes", subresource, named: node) }
                if let index {
                    return .allow(
                        rule: AccessDecision.Rule(
                            role: role.name, index: index, binding: binding.name, subresource: subresource))
                }
            }
        }
        return .deny
    }
}

/// What a policy says of a request.
public enum AccessDecision: Hashable, Sendable {
    /// The rule that allows.
    public struct Rule: Hashable, Sendable, CustomStringConvertible {
        /// The cluster role.
        public var role: String
        /// The rule's position in it, from 0.
        public var index: Int
        /// The binding that gives the role.
        public var binding: String
        /// The subresource that was allowed.
        public var subresource: String

        /// `ClusterRole/monitoring[0]`.
        public var description: String { "ClusterRole/\(role)[\(index)]" }
    }

    /// This rule allows it.
    case allow(rule: Rule)
    /// No rule allows it.
    case deny
}

/// A named list of rules: a ClusterRole. A Role of a namespace says nothing of nodes, which are in none.
public struct AccessRole: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What it allows.
    public var rules: [AccessRule]

    /// A role.
    public init(name: String, rules: [AccessRule]) {
        self.name = name
        self.rules = rules
    }

    /// The roles of Kubernetes' own that are about the node API.
    public static let builtIn = [
        AccessRole(
            name: "system:kubelet-api-admin",
            rules: [
                AccessRule(verbs: ["get", "list", "watch"], resources: ["nodes"]),
                AccessRule(verbs: ["proxy"], resources: ["nodes"]),
                AccessRule(
                    verbs: ["*"],
                    resources: [
                        "nodes/checkpoint", "nodes/configz", "nodes/healthz", "nodes/log", "nodes/metrics",
                        "nodes/pods", "nodes/proxy", "nodes/spec", "nodes/stats",
                    ]),
            ]),
        AccessRole(name: "cluster-admin", rules: [AccessRule(verbs: ["*"], apiGroups: ["*"], resources: ["*"])]),
    ]
}

/// A rule: these verbs on these resources. An asterisk is every one.
public struct AccessRule: Hashable, Sendable {
    /// Verbs, such as `get`.
    public var verbs: [String]
    /// API groups; nodes are in the core group, whose name is empty.
    public var apiGroups: [String]
    /// Resources, such as `nodes/metrics`, or `*/metrics`. `nodes/*` matches nothing, as in Kubernetes.
    public var resources: [String]
    /// Names of nodes; empty for all.
    public var resourceNames: [String]

    /// A rule.
    public init(verbs: [String], apiGroups: [String] = [""], resources: [String], resourceNames: [String] = []) {
        self.verbs = verbs
        self.apiGroups = apiGroups
        self.resources = resources
        self.resourceNames = resourceNames
    }

    func allows(_ verb: String, _ resource: String, _ subresource: String, named name: String) -> Bool {
        verbs.contains { $0 == "*" || $0 == verb } && apiGroups.contains { $0 == "*" || $0.isEmpty }
            && resources.contains {
                $0 == "*" || $0 == "\(resource)/\(subresource)" || $0 == "*/\(subresource)"
            } && (resourceNames.isEmpty || resourceNames.contains(name))
    }
}

/// Gives a cluster role to users, groups and service accounts: a ClusterRoleBinding.
public struct AccessBinding: Hashable, Sendable {
    /// Whom a role is given to.
    public enum Subject: Hashable, Sendable {
        /// A user by name.
        case user(String)
        /// Everybody in a group.
        case group(String)
        /// A service account.
        case serviceAccount(namespace: String, name: String)
    }

    /// Its name.
    public var name: String
    /// The name of the cluster role.
    public var role: String
    /// Who gets it.
    public var subjects: [Subject]

    /// A binding.
    public init(name: String, role: String, subjects: [Subject]) {
        self.name = name
        self.role = role
        self.subjects = subjects
    }
}

/// Who asks, as authentication found out.
public struct Account: Hashable, Sendable {
    /// The user's name.
    public var name: String
    /// The groups, the implied ones among them.
    public var groups: Set<String>

    /// A user who has proved who it is: in `system:authenticated`, and a service account in its own groups.
    public init(name: String, groups: some Sequence<String> = []) {
        self.name = name
        self.groups = Set(groups).union(["system:authenticated"])
        if let (namespace, _) = Self.serviceAccount(name) {
            self.groups.formUnion(["system:serviceaccounts", "system:serviceaccounts:\(namespace)"])
        }
    }

    private init(anonymous: Void) {
        name = "system:anonymous"
        groups = ["system:unauthenticated"]
    }

    /// Somebody who gave neither certificate nor token.
    public static let anonymous = Account(anonymous: ())

    func matches(_ subject: AccessBinding.Subject) -> Bool {
        switch subject {
        case .user(let user): Self.isSame(user, name)
        case .group(let group): groups.contains { Self.isSame($0, group) }
        case .serviceAccount(let namespace, let account):
            Self.isSame(name, "system:serviceaccount:\(namespace):\(account)")
        }
    }

    /// Byte by byte: as texts of Unicode, names that look alike may be equal (K and the sign of Kelvin).
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    private static func serviceAccount(_ name: String) -> (namespace: String, name: String)? {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty,
            !parts[3].isEmpty
        else { return nil }
        return (String(parts[2]), String(parts[3]))
    }
}
