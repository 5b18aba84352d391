// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import SwiftASN1

/// Whom a certificate names: Kubernetes takes the common name of its subject for the user, the organizations for groups.
///
/// Only the subject is read; that the certificate is genuine, TLS has found out. What could be read in two ways is refused.
struct CertificateSubject: Hashable, Sendable {
    /// The common name.
    var commonName: String
    /// The organizations.
    var organizations: [String]

    /// The user and the groups.
    var account: Account { Account(name: commonName, groups: organizations) }

    /// Reads a certificate.
    /// - Parameter certificate: its DER bytes (RFC 5280).
    init(certificate: [UInt8]) throws {
        var names: [String] = []
        var organizations: [String] = []
        try Self.readSubject(try DER.parse(certificate)) { type, value in
            if type == [2, 5, 4, 3] { names.append(try Self.text(value)) }
            if type == [2, 5, 4, 10] { organizations.append(try Self.text(value)) }
        }
        guard names.count == 1, let name = names.first, !name.isEmpty else {
            throw ASN1Error.invalidASN1Object(reason: "the subject has \(names.count) common names")
        }
        commonName = name
        self.organizations = organizations
    }

    /// Calls with each attribute of the subject, by the numbers of its type.
    private static func readSubject(
        _ certificate: ASN1Node, _ attribute: ([UInt], ASN1Node) throws -> Void
    ) throws {
        guard case .constructed(let parts) = certificate.content, certificate.identifier == .sequence,
            let signed = Array(parts).first, case .constructed(let fields) = signed.content,
            signed.identifier == .sequence
        else { throw ASN1Error.invalidASN1Object(reason: "no certificate") }
        // version [0] (absent in version 1), serialNumber, signature, issuer, validity, subject, …
        var rest = Array(fields)[...]
        if rest.first?.identifier.tagClass == .contextSpecific { rest = rest.dropFirst() }
        guard rest.count >= 6 else { throw ASN1Error.invalidASN1Object(reason: "no subject") }
        let subject = rest[rest.startIndex + 4]
        try DER.sequence(subject, identifier: .sequence) { names in
            while let name = names.next() {
                try DER.set(name, identifier: .set) { attributes in
                    while let node = attributes.next() {
                        try DER.sequence(node, identifier: .sequence) { pair in
                            let type = try ASN1ObjectIdentifier(derEncoded: &pair)
                            guard let value = pair.next() else {
                                throw ASN1Error.invalidASN1Object(reason: "an attribute without a value")
                            }
                            try attribute(Array(type.oidComponents), value)
                        }
                    }
                }
            }
        }
    }

    /// A text of the two kinds that RFC 5280 lets authorities write. Control characters are refused: a log shows names.
    private static func text(_ node: ASN1Node) throws -> String {
        guard case .primitive(let bytes) = node.content,
            node.identifier == .utf8String || node.identifier == .printableString,
            let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) })
        else { throw ASN1Error.invalidASN1Object(reason: "a name is not plain text") }
        return text
    }
}
