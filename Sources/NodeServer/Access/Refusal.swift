// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore

/// An answer that is no: a status and the reason, as a Kubernetes `Status` object.
struct Refusal: Error, Hashable, Sendable {
    /// The HTTP status.
    var code: Int
    /// Kubernetes' word for it.
    var reason: String
    /// Why, in a sentence.
    var message: String
    /// Nothing more is read from the connection.
    var closes = false

    static func badRequest(_ message: String) -> Refusal { Refusal(code: 400, reason: "BadRequest", message: message) }
    static func unauthorized(_ message: String) -> Refusal {
        // Whoever has no right here keeps no connection.
        Refusal(code: 401, reason: "Unauthorized", message: message, closes: true)
    }
    static func forbidden(_ message: String) -> Refusal { Refusal(code: 403, reason: "Forbidden", message: message) }
    static func notFound(_ message: String) -> Refusal { Refusal(code: 404, reason: "NotFound", message: message) }
    static func methodNotAllowed(_ method: String) -> Refusal {
        Refusal(code: 405, reason: "MethodNotAllowed", message: "\(method) is not supported here; GET is")
    }

    /// What a service could not do.
    init(_ error: NodeServiceError) {
        switch error {
        case .notFound(let message): self = .notFound(message)
        case .conflict(let message): self.init(code: 409, reason: "Conflict", message: message)
        case .invalid(let message): self = .badRequest(message)
        case .failed(let message): self.init(code: 500, reason: "InternalError", message: message)
        }
    }

    init(code: Int, reason: String, message: String, closes: Bool = false) {
        self.code = code
        self.reason = reason
        self.message = message
        self.closes = closes
    }

    /// The answer.
    var response: Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if code == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"node\"" }
        if code == 405 { headers[.allow] = "GET" }
        if closes { headers[.connection] = "close" }
        return Response(
            status: HTTPResponse.Status(code: code), headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// The `Status` object.
    var body: ByteBuffer {
        ByteBuffer(bytes: json(KubernetesStatus(status: "Failure", message: message, reason: reason, code: code)))
    }
}
