// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOHTTP1
internal import NodeModel

/// Finds out who asks and whether the policy lets them, before anything else looks at a request.
struct AccessGate: Sendable {
    /// A request that may be answered.
    struct Admission: Sendable {
        /// What is asked, as the policy was asked: endpoints are found by this, not by the request's text.
        var request: NodeRequest
        /// Who asks.
        var account: Account
    }

    let rules: AccessRules
    let nodeName: String
    let metrics: ServerMetrics
    let logger: Logger

    /// Decides.
    /// - Parameters:
    ///   - head: the request.
    ///   - certificate: whom the client's verified certificate names; nil without one.
    func admit(_ head: HTTPRequestHead, certificate: Account?) throws(Refusal) -> Admission {
        let rules = rules.current
        let account = try authenticate(head.headers, certificate, rules.tokens)
        let request: NodeRequest
        do throws(NodeRequestError) {
            request = try NodeRequest(
                method: head.method.rawValue, target: head.uri, isUpgrade: Self.asksForUpgrade(head.headers))
        } catch { throw .badRequest(error.description) }
        let decision = rules.policy.decision(on: request, by: account, node: nodeName)
        record(decision, on: request, by: account)
        guard case .allow = decision else {
            guard account != .anonymous else {
                throw .unauthorized("Unauthorized: \(Self.explain(request)) needs a client certificate or a token")
            }
            throw .forbidden("Forbidden (user=\(account.name), \(Self.explain(request)))")
        }
        return Admission(request: request, account: account)
    }

    /// A header that says so is enough: whoever upgrades looks for more of them, so no upgrade is taken for a plain request.
    static func asksForUpgrade(_ headers: HTTPHeaders) -> Bool {
        headers.contains(name: "upgrade")
            || headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }

    private static func explain(_ request: NodeRequest) -> String {
        let subresources = request.subresources.joined(separator: " ")
        return "verb=\(request.verb), resource=nodes, subresource(s)=[\(subresources)]"
    }

    /// A certificate goes before a token, as in Kubernetes. A token that is wrong is no anonymous client, but a mistake or
    /// a guess.
    private func authenticate(
        _ headers: HTTPHeaders, _ certificate: Account?, _ tokens: BearerTokens
    ) throws(Refusal) -> Account {
        if let certificate {
            metrics.authenticated("certificate", isGood: true)
            return certificate
        }
        let values = headers["authorization"]
        guard let value = values.first else {
            metrics.authenticated("none", isGood: true)
            return .anonymous
        }
        guard values.count == 1 else { throw .badRequest("more than one Authorization header") }
        let text = value.utf8
        let scheme = "bearer "
        guard text.count > scheme.utf8.count,
            String(decoding: text.prefix(scheme.utf8.count), as: UTF8.self).lowercased() == scheme,
            let account = tokens.account(holding: text.dropFirst(scheme.utf8.count).drop { $0 == 0x20 })
        else {
            metrics.authenticated("token", isGood: false)
            throw .unauthorized("Unauthorized: the Authorization header holds no token that is known here")
        }
        metrics.authenticated("token", isGood: true)
        return account
    }

    /// The query is left out: it holds the commands of exec.
    private func record(_ decision: AccessDecision, on request: NodeRequest, by account: Account) {
        let (word, rule, subresource): (String, String, String)
        switch decision {
        case .allow(let allowing):
            (word, rule, subresource) = ("allow", "\(allowing) by \(allowing.binding)", allowing.subresource)
        case .deny: (word, rule, subresource) = ("deny", "none", request.subresources.first ?? "proxy")
        }
        metrics.decided(verb: request.verb, subresource: subresource, decision: word)
        logger.debug(
            "authorization",
            metadata: [
                "decision": "\(word)", "rule": "\(rule)", "user": "\(account.name)", "verb": "\(request.verb)",
                "subresources": "\(request.subresources.joined(separator: ","))", "path": "\(request.path)",
            ])
    }
}
