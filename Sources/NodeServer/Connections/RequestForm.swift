// SPDX-License-Identifier: Apache-2.0

internal import NIOHTTP1

/// Which requests are answered at all: those that no two readers can take for different ones.
enum RequestForm {
    static let tooLarge = Refusal(
        code: 413, reason: "RequestEntityTooLarge", message: "the body is larger than any endpoint takes", closes: true)

    /// Why a request is not answered; nil when it is.
    static func refusal(of head: HTTPRequestHead, limits: ServerLimits) -> Refusal? {
        guard head.version == .http1_1 else {
            return Refusal(code: 505, reason: "HTTPVersionNotSupported", message: "HTTP/1.1 is spoken here")
        }
        let hosts = head.headers["host"].count
        guard hosts == 1 else { return .badRequest("the request has \(hosts) Host headers; it needs one") }
        guard head.headers.count <= limits.headerCount else { return tooManyHeaders }
        let lengths = head.headers["content-length"]
        let codings = head.headers["transfer-encoding"]
        guard lengths.isEmpty || codings.isEmpty, lengths.count <= 1, codings.count <= 1 else {
            return .badRequest("the length of the body is given in more than one way")
        }
        if let coding = codings.first, coding.lowercased() != "chunked" {
            return Refusal(code: 501, reason: "NotImplemented", message: "no transfer coding but chunked is known")
        }
        if AccessGate.asksForUpgrade(head.headers), !codings.isEmpty || lengths.contains(where: { $0 != "0" }) {
            return .badRequest("a request for an upgrade has no body")
        }
        if let length = lengths.first {
            guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return .badRequest("the Content-Length is no number")
            }
            guard let bytes = Int(length), bytes <= limits.bodyBytes else { return tooLarge }
        }
        if head.headers.contains(name: "expect") {
            return Refusal(code: 417, reason: "ExpectationFailed", message: "send the body or leave it")
        }
        return nil
    }

    /// What to answer to what is no request.
    static func refusal(for error: HTTPParserError) -> Refusal {
        switch error {
        case .headerOverflow: tooManyHeaders
        case .invalidVersion:
            Refusal(code: 505, reason: "HTTPVersionNotSupported", message: "HTTP/1.1 is spoken here")
        default: .badRequest("this is no HTTP request")
        }
    }

    private static let tooManyHeaders = Refusal(
        code: 431, reason: "RequestHeaderFieldsTooLarge", message: "the headers are larger than any client's",
        closes: true)
}
