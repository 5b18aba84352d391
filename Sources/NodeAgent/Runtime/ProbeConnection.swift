// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NetworkInterfaces
internal import NodeModel
internal import SystemPackage

/// A connection to a port of a pod, from inside its network namespace, which ends at a time.
struct ProbeConnection: Sendable {
    private let stream: SharedDescriptor
    private let threads: WorkThreads
    private let deadline: ContinuousClock.Instant

    /// Connects; nil when nobody answers in time.
    ///
    /// - Parameters:
    ///   - host: an address; nil for the pod's own, over its loopback interface.
    ///   - network: the pod's network namespace; nil for the host's.
    init?(
        to port: UInt16, host: String?, in network: SharedDescriptor?, before deadline: ContinuousClock.Instant,
        _ threads: WorkThreads
    ) async throws {
        let address = try Self.address(host)
        // Made by a process that joins the namespace and ends at once; it belongs to that namespace from then on.
        let stream = SharedDescriptor(
            try NetworkCall.stream(isIPv6: address.isIPv6, in: network.map { [$0.descriptor.number] } ?? []))
        do throws(KernelError) {
            try NetworkCall.connect(stream.descriptor, to: address.bytes, port: port)
            var pause = Duration.milliseconds(1)
            while try poll([stream.descriptor.number], for: .writable, timeoutMilliseconds: 0) == [[]] {
                if ContinuousClock.now > deadline { return nil }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .milliseconds(50))
            }
            try NetworkCall.checkConnected(stream.descriptor)
        } catch {
            return nil
        }
        self.stream = stream
        self.threads = threads
        self.deadline = deadline
    }

    private static func address(_ host: String?) throws(IPAddressError) -> IPAddress {
        try IPAddress(parsing: host == nil || host == "localhost" ? "127.0.0.1" : host ?? "")
    }

    /// The status of the answer to a request; nil when there is none in time.
    func status(of request: Probe.HTTPRequest) async -> Int? {
        // On a thread that blocks signals: where the other end has gone, the kernel sends SIGPIPE.
        let text = Array(request.text.utf8)
        guard (try? await threads.run { [stream] in try stream.descriptor.write(text) }) != nil else { return nil }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        // The first line is enough.
        while !answer.contains(UInt8(ascii: "\n")), answer.count < 4096 {
            do throws(KernelError) {
                let count = try stream.descriptor.read(into: &chunk)
                if count == 0 { break }
                answer += chunk[..<count]
            } catch {
                guard error.errno == .resourceTemporarilyUnavailable, ContinuousClock.now < deadline else { return nil }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        let words = String(decoding: answer, as: UTF8.self).split(separator: "\n").first?.split(separator: " ") ?? []
        guard words.count > 1, words[0].hasPrefix("HTTP/") else { return nil }
        return Int(words[1].prefix { $0.isNumber })
    }
}

extension Probe.HTTPRequest {
    /// Whether it can be sent over a plain connection as it is: what holds a line's end would be another request.
    var isPlain: Bool {
        !isTLS
            && ([path] + headers.flatMap { [$0.name, $0.value] }).allSatisfy { text in
                !text.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 }
            }
    }

    /// What is sent. Headers of the probe's own go before those that a request has to have.
    fileprivate var text: String {
        var lines = ["GET \(path.hasPrefix("/") ? path : "/" + path) HTTP/1.1"]
        var own: [(name: String, value: String)] = headers.map { ($0.name, $0.value) }
        for (name, value) in [
            ("Host", "\(host ?? "localhost"):\(port)"), ("User-Agent", "kube-probe/bulkhead"), ("Accept", "*/*"),
        ] where !own.contains(where: { $0.name.lowercased() == name.lowercased() }) {
            own.append((name, value))
        }
        lines += own.map { "\($0.name): \($0.value)" } + ["Connection: close", "", ""]
        return lines.joined(separator: "\r\n")
    }
}
