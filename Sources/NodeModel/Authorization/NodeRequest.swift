// SPDX-License-Identifier: Apache-2.0

/// A request to the node API, as what an authorizer is asked: a verb on a subresource of the node.
///
/// Every request is about resource `nodes` of the core group, named as the node is. Fine-grained authorization (KEP-2862,
/// GA in Kubernetes 1.36) maps a path to the subresources that are tried in turn: its own first, `proxy` where
/// Kubernetes falls back to it. Source: kubernetes, pkg/kubelet/server/auth.go.
public struct NodeRequest: Hashable, Sendable {
    /// The HTTP method, as it was sent.
    public let method: String
    /// The path, decoded, without a query.
    public let path: String
    /// Whether the request asks for another protocol (`Connection: Upgrade`), as exec and attach over WebSocket do.
    public let isUpgrade: Bool

    /// Reads the request line of a request.
    ///
    /// What a router might take for another path than this does is refused: a client could be allowed by the one and
    /// served by the other.
    ///
    /// - Parameters:
    ///   - method: the HTTP method; methods are case-sensitive.
    ///   - target: path and query, as sent: percent-encoded.
    ///   - isUpgrade: whether it asks for another protocol.
    public init(method: String, target: String, isUpgrade: Bool = false) throws(NodeRequestError) {
        self.method = method
        self.isUpgrade = isUpgrade
        let encoded = target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let bytes = Self.decoded(encoded) else { throw .encoding(target) }
        guard let path = String(validating: bytes, as: UTF8.self) else { throw .encoding(target) }
        guard path.utf8.first == UInt8(ascii: "/") else { throw .relative(target) }
        guard !path.unicodeScalars.contains(where: Self.isControl) else { throw .controlCharacter(target) }
        // By bytes, as the kernel does: a slash and a mark that combines with it are one character.
        let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        if segments.dropLast().contains(where: \.isEmpty) { throw .ambiguous(target, segment: "//") }
        for segment in segments where segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
            throw .ambiguous(target, segment: "\(Substring(segment))")
        }
        // Decoded, it would separate segments for one reader and be a part of a name for another. What follows the path is
        // not split: a command's slashes may well be encoded.
        for separator in ["%2f", "%2F", "%5c", "%5C"] where Substring(encoded).contains(separator) {
            throw .ambiguous(target, segment: separator)
        }
        self.path = path
    }

    /// The verb of the method: `create`, `get`, `update`, `patch` or `delete`, empty for any other.
    ///
    /// An upgrade is `create` whatever the method says. In Kubernetes 1.36 a WebSocket's GET makes exec a `get`, so that
    /// a monitoring account with `get` on `nodes/proxy` can execute commands in every pod.
    public var verb: String {
        if isUpgrade { return "create" }
        return switch method {
        case "POST": "create"
        case "GET": "get"
        case "PUT": "update"
        case "PATCH": "patch"
        case "DELETE": "delete"
        default: ""
        }
    }

    /// The subresources of `nodes`, one of which the caller must be allowed, in the order in which they are tried.
    public var subresources: [String] { subresources(fineGrained: true) }

    /// The same as a node answers that has fine-grained authorization, or has not (before Kubernetes 1.32 unless asked).
    public func subresources(fineGrained: Bool) -> [String] {
        let coarse = Self.coarse.first(where: { isBeneath($0.path) })?.subresource ?? "proxy"
        guard fineGrained, let fine = Self.fine.first(where: { isBeneath($0.path) }) else { return [coarse] }
        return [fine.subresource, coarse]
    }

    /// Whether the path is this one or beneath it; a slash at its end makes no difference.
    func isBeneath(_ parent: String) -> Bool { Self.path(path, isBeneath: parent) }

    /// The rule by itself: `/pods/` is beneath `/pods`, `/podsandmore` is not.
    package static func path(_ path: String, isBeneath parent: String) -> Bool {
        let parent = parent.utf8.last == UInt8(ascii: "/") ? String(parent.dropLast()) : parent
        return path == parent || path.utf8.starts(with: "\(parent)/".utf8)
    }

    /// What no path holds, and what a terminal or a reader of logs would take for more than a character.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029: true
        default: false
        }
    }

    private static let fine: [(path: String, subresource: String)] = [
        ("/pods", "pods"), ("/healthz", "healthz"), ("/configz", "configz"), ("/statusz", "statusz"),
        ("/runningpods/", "pods"),
    ]
    private static let coarse: [(path: String, subresource: String)] = [
        ("/stats", "stats"), ("/metrics", "metrics"), ("/logs", "log"), ("/checkpoint", "checkpoint"),
    ]

    /// Percent-decoding (RFC 3986); nil for a percent sign without two digits.
    private static func decoded(_ text: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Why a request has no answer but "bad request".
public enum NodeRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is not percent-encoded UTF-8.
    case encoding(String)
    /// It does not begin with a slash.
    case relative(String)
    /// It holds a byte that no path has.
    case controlCharacter(String)
    /// Two readers could take it for two paths.
    case ambiguous(String, segment: String)

    /// What is wrong, with the path.
    public var description: String {
        switch self {
        case .encoding(let target): "the path '\(target)' is not percent-encoded UTF-8"
        case .relative(let target): "the path '\(target)' does not begin with '/'"
        case .controlCharacter(let target): "the path '\(target)' holds a control character"
        case .ambiguous(let target, let segment):
            "the path '\(target)' holds '\(segment)', which a router may resolve to another path"
        }
    }
}
