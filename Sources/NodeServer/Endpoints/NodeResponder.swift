// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NodeModel

/// Answers requests: first the gate, then the endpoint.
struct NodeResponder: Sendable {
    let service: any NodeService
    let gate: AccessGate
    let metrics: ServerMetrics
    let startTime: Timestamp
    private let texts = PodTexts()

    /// Answers a request, and counts it when the answer is written.
    func answer(
        _ head: HTTPRequestHead, on channel: any Channel, _ upgrade: ExecUpgrade,
        _ write: (Answer) async throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        metrics.began()
        let (route, answer) = await answer(head, on: channel, upgrade)
        defer {
            metrics.answered(
                method: head.method.rawValue, endpoint: route?.name ?? "other", code: answer.response.status.code,
                isLongRunning: answer.isLong, in: .now - start)
        }
        try await write(answer)
    }

    private func answer(
        _ head: HTTPRequestHead, on channel: any Channel, _ upgrade: ExecUpgrade
    ) async -> (NodeRoute?, Answer) {
        var route: NodeRoute?
        do throws(Refusal) {
            // It was looked at already, when it asked to become a WebSocket.
            if let refusal = upgrade.takeRefusal() { throw refusal }
            let admission = try gate.admit(head, certificate: try await certificate(of: channel))
            route = NodeRoute(admission.request.path)
            guard let route else { throw .notFound("there is no \(admission.request.path) here") }
            if case .exec = route {
                throw .badRequest("exec needs an upgrade to a WebSocket, by the first request of a connection")
            }
            // It was allowed to create, which is not to get.
            if admission.request.isUpgrade {
                throw .badRequest("\(admission.request.path) does not become another protocol")
            }
            guard head.method == .GET else { throw .methodNotAllowed(head.method.rawValue) }
            return (route, try await get(route, head.uri))
        } catch { return (route, Answer(error)) }
    }

    /// Whom the client's certificate names; TLS has verified it. A certificate that names nobody is refused.
    func certificate(of channel: any Channel) async throws(Refusal) -> Account? {
        guard let certificate = try? await channel.nioSSL_peerCertificate().get() else { return nil }
        guard let subject = try? CertificateSubject(certificate: certificate.toDERBytes()) else {
            metrics.authenticated("certificate", isGood: false)
            throw .unauthorized("Unauthorized: the client certificate's subject has no common name that can be read")
        }
        return subject.account
    }

    private func get(_ route: NodeRoute, _ target: String) async throws(Refusal) -> Answer {
        switch route {
        case .health(let check): return try await health(check)
        case .status: return await status()
        case .metrics:
            return Answer(
                metrics.registry.text(with: await service.samples()), type: PrometheusText.contentType)
        case .pods(let running):
            let list = texts.list(await service.pods(), node: service.nodeName, running: running)
            return Answer(bytes: list, type: "application/json")
        case .configuration: return Answer(await service.configuration(), type: "application/json")
        case .summary:
            return Answer(bytes: json(SummaryObject(await service.statistics())), type: "application/json")
        case .logs(let path): return try LogFolder(service.logDirectory).answer(path)
        case .containerLog(let container): return try await containerLog(container, RequestQuery(target))
        case .exec: throw .badRequest("exec needs an upgrade to a WebSocket")
        }
    }

    /// The time now, in UTC.
    static func now() -> Timestamp {
        Timestamp(sinceEpoch: .nanoseconds(Int64(Date().timeIntervalSince1970 * 1e9)))
    }
}
