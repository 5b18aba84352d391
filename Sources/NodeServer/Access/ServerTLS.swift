// SPDX-License-Identifier: Apache-2.0

internal import NIOSSL

extension NodeServerConfiguration.TLSFiles {
    /// Reads the files: TLS 1.2 or newer, and client certificates that are verified when one is given, as a client may come
    /// with a token instead.
    func context() throws(NodeServerError) -> NIOSSLContext {
        let chain = try Self.certificates(certificate, called: "the certificate")
        let secret = try readSecret(key, called: "the key")
        let privateKey: NIOSSLPrivateKey
        do { privateKey = try NIOSSLPrivateKey(bytes: secret, format: .pem) } catch {
            throw .content(file: key, "it holds no private key in PEM without a passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        // HTTP/2 is not spoken here; a client that can is told so before it tries.
        configuration.applicationProtocols = ["http/1.1"]
        if let clientCA {
            configuration.trustRoots = .certificates(
                try Self.certificates(clientCA, called: "the authority of clients"))
            configuration.certificateVerification = .optionalVerification
        }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw .content(file: certificate, "it does not go with \(key): \(error)")
        }
    }

    private static func certificates(
        _ file: String, called what: String
    ) throws(NodeServerError) -> [NIOSSLCertificate] {
        let bytes = try readTrusted(file, called: what)
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            if !certificates.isEmpty { return certificates }
        } catch {
            throw .content(file: file, "it holds no certificate in PEM: \(error)")
        }
        throw .content(file: file, "it holds no certificate in PEM")
    }
}
