// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import NodeServer
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct EndpointTests {
    private func object(_ answer: RawClient.Answer?) throws -> [String: Any] {
        let answer = try #require(answer)
        #expect(answer.status == 200 && answer.headers["content-type"] == "application/json")
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    }

    @Test func `Health is ok, or says which check failed`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            for path in ["/healthz", "/healthz/ping", "/healthz/log", "/healthz/syncloop", "/healthz/"] {
                let answer = try await ask(port, path, token: Tokens.admin)
                #expect(answer?.status == 200 && answer?.text == "ok", "\(path)")
            }
            #expect(try await ask(port, "/healthz/other", token: Tokens.admin)?.status == 404)
            node.state.withLock { $0.checks[2].failure = "it stands still since 9 s" }
            let failed = try #require(try await ask(port, "/healthz", token: Tokens.admin))
            #expect(failed.status == 500)
            #expect(failed.text.hasPrefix("[+]ping ok\n[+]log ok\n[-]syncloop failed: it stands still since 9 s\n"))
            #expect(try await ask(port, "/healthz/syncloop", token: Tokens.admin)?.status == 500)
            #expect(try await ask(port, "/healthz/ping", token: Tokens.admin)?.status == 200)
        }
    }

    @Test func `Pods are a PodList, and those that run are one, too`() async throws {
        let node = FakeNode()
        node.state.withLock { $0.pods = [.example("web"), .example("done", phase: .failed)] }
        let list = try object(try await withServer(node) { try await ask($0, "/pods", token: Tokens.pods) })
        #expect(list["kind"] as? String == "PodList" && list["apiVersion"] as? String == "v1")
        let items = try #require(list["items"] as? [[String: Any]])
        let metadata = try #require(items[0]["metadata"] as? [String: Any])
        #expect(metadata["name"] as? String == "web" && metadata["uid"] as? String == "uid-web")
        #expect(metadata["creationTimestamp"] as? String == "2023-11-14T22:13:20Z")
        let spec = try #require(items[0]["spec"] as? [String: Any])
        let container = try #require((spec["containers"] as? [[String: Any]])?.first)
        let resources = try #require(container["resources"] as? [String: [String: String]])
        #expect(resources == ["requests": ["cpu": "100m", "memory": "67108864"]])
        #expect(container["env"] as? [[String: String]] == [["name": "A", "value": "\"quoted\"\n"]])
        #expect(spec["hostUsers"] as? Bool == false && spec["nodeName"] as? String == "node-1")
        let status = try #require(items[0]["status"] as? [String: Any])
        #expect(status["phase"] as? String == "Running" && status["qosClass"] as? String == "Burstable")
        let state = try #require((status["containerStatuses"] as? [[String: Any]])?.first?["state"] as? [String: Any])
        #expect(state.keys.sorted() == ["running"])
        let failed = try #require(items[1]["status"] as? [String: Any])
        let ended = (failed["containerStatuses"] as? [[String: Any]])?.first?["state"] as? [String: [String: Any]]
        #expect(ended?["terminated"]?["exitCode"] as? Int == 3)

        let running = try object(try await withServer(node) { try await ask($0, "/runningpods/", token: Tokens.pods) })
        #expect((running["items"] as? [Any])?.count == 1)
    }

    @Test func `A list of pods is that of now, whatever was told before`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            func names(_ path: String = "/pods") async throws -> [String] {
                let items = try object(try await ask(port, path, token: Tokens.pods))["items"] as? [[String: Any]]
                return (items ?? []).compactMap { item in
                    let name = (item["metadata"] as? [String: Any])?["name"] as? String
                    let phase = (item["status"] as? [String: Any])?["phase"] as? String
                    return name.flatMap { name in phase.map { "\(name) \($0)" } }
                }
            }
            #expect(try await names().isEmpty)
            node.state.withLock { $0.pods = [.example("a"), .example("b")] }
            #expect(try await names() == ["a Running", "b Running"])
            node.state.withLock { $0.pods = [.example("b", phase: .failed), .example("c")] }
            #expect(try await names() == ["b Failed", "c Running"])
            #expect(try await names("/runningpods/") == ["c Running"])
            node.state.withLock { $0.pods = [.example("a")] }
            #expect(try await names() == ["a Running"])
        }
    }

    @Test func `The summary has what the kernel counts, and no zero for what it does not`() async throws {
        let node = FakeNode()
        node.state.withLock { state in
            var usage = NodeStatistics.Usage(at: Timestamp(seconds: 1_700_000_000))
            usage.cpuNanoseconds = 5_000_000_000
            usage.memoryBytes = 4096
            usage.workingSetBytes = 1024
            usage.processes = 7
            usage.pressure["memory"] = .init(
                some: .init(average10: 1.5, average60: 0, average300: 0, totalMicroseconds: 12), full: nil)
            state.statistics.node = usage
            state.statistics.memoryCapacityBytes = 10_240
            var pod = NodeStatistics.OfPod(namespace: "default", name: "web", uid: "u", startTime: nil, usage: usage)
            pod.containers = [.init(name: "app", startTime: nil, usage: .init(at: Timestamp(seconds: 0)))]
            state.statistics.pods = [pod]
        }
        let summary = try object(
            try await withServer(node) { try await ask($0, "/stats/summary", token: Tokens.monitor) })
        let whole = try #require(summary["node"] as? [String: Any])
        let memory = try #require(whole["memory"] as? [String: Any])
        #expect(memory["availableBytes"] as? Int == 9216 && memory["usageBytes"] as? Int == 4096)
        #expect(memory["rssBytes"] == nil && whole["swap"] == nil)
        let some = (memory["psi"] as? [String: [String: Any]])?["some"]
        #expect(some?["total"] as? Int == 12_000 && some?["avg10"] as? Double == 1.5)
        let pod = try #require((summary["pods"] as? [[String: Any]])?.first)
        #expect((pod["podRef"] as? [String: String])?["name"] == "web")
        #expect((pod["process_stats"] as? [String: Int])?["process_count"] == 7)
        let container = try #require((pod["containers"] as? [[String: Any]])?.first)
        #expect(container["cpu"] == nil && container["memory"] == nil)
    }

    @Test func `The configuration and the status are shown`() async throws {
        try await withServer { port async throws in
            let configuration = try await ask(port, "/configz", token: Tokens.admin)
            #expect(configuration?.text == #"{"kubeletconfig":{"kind":"KubeletConfiguration"}}"#)
            let status = try #require(try await ask(port, "/statusz", token: Tokens.admin))
            #expect(status.status == 200 && status.text.contains("Node: node-1"))
        }
    }

    @Test func `A log's options reach the service, and what is no option is refused`() async throws {
        let node = FakeNode()
        node.state.withLock { $0.log = [Array("one\n".utf8), Array("two\n".utf8)] }
        try await withServer(node) { port async throws in
            let path = "/containerLogs/default/web/app"
            let plain = try await ask(port, path, token: Tokens.admin)
            #expect(plain?.status == 200 && plain?.text == "one\ntwo\n")
            #expect(plain?.headers["transfer-encoding"] == "chunked")
            let options = "?tailLines=5&sinceTime=2026-01-02T03:04:05%2B01:00&limitBytes=6&previous=true&timestamps=1"
            #expect(try await ask(port, path + options, token: Tokens.admin)?.text == "one\ntw")
            let request = node.state.withLock { $0.logRequests.last?.query }
            #expect(request?.tailLines == 5 && request?.limitBytes == 6)
            #expect(request?.previous == true && request?.timestamps == true && request?.follows == false)
            #expect(request?.since?.description == "2026-01-02T02:04:05Z")
            _ = try await ask(port, path + "?sinceSeconds=60", token: Tokens.admin)
            let since = try #require(node.state.withLock { $0.logRequests.last?.query.since })
            let age = Date().timeIntervalSince1970 - Double(since.sinceEpoch.components.seconds)
            #expect((59...200).contains(age))
            for options in [
                "tailLines=-1", "tailLines=x", "limitBytes=0", "sinceSeconds=0", "sinceTime=yesterday",
                "follow=perhaps",
                "sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z", "tailLines=1&tailLines=2", "tailLines=%ff",
            ] {
                #expect(try await ask(port, "\(path)?\(options)", token: Tokens.admin)?.status == 400, "\(options)")
            }
            #expect(try await ask(port, "/containerLogs/default/none/app", token: Tokens.admin)?.status == 404)
            #expect(try await ask(port, "/containerLogs/default/web", token: Tokens.admin)?.status == 404)
        }
    }

    @Test func `A log that is followed comes as it grows, and its service hears when the client goes`() async throws {
        let node = FakeNode()
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        let isGone = Mutex(false)
        continuation.onTermination = { _ in isGone.withLock { $0 = true } }
        node.state.withLock { $0.openLog = stream }
        // Longer than a request may take.
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.requestTime = .seconds(8)
            }
        ) { port async throws in
            try await withClient(port) { client async throws in
                let path = "/containerLogs/default/web/app?follow=true"
                try await client.send(RawClient.request("GET", path, token: Tokens.admin))
                #expect(await client.head()?.status == 200)
                for number in 1...2 {
                    continuation.yield(Array("line \(number)\n".utf8))
                    #expect(await client.chunk() == Array("line \(number)\n".utf8))
                    if number == 1 { try await Task.sleep(for: .seconds(9)) }
                }
            }
            try await eventually { isGone.withLock { $0 } }
        }
    }

    @Test func `A request that takes too long is given up, and so is what it waits for`() async throws {
        let node = FakeNode()
        node.state.withLock { $0.isSlow = true }
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.requestTime = .seconds(8)
            }
        ) { port async throws in
            #expect(try await ask(port, "/pods", token: Tokens.pods) == nil)
            try await eventually {
                let text = try await ask(port, "/metrics", token: Tokens.monitor)?.text ?? ""
                return text.contains("bulkhead_requests_refused_total{reason=\"slow request\"} ")
            }
        }
    }

    @Test func `The node's logs are the files of one folder, and nothing that leads out of it`() async throws {
        let folder = try Folder()
        try folder.write("secret", "not a log")
        try FileManager.default.createDirectory(atPath: folder.path + "/logs/sub", withIntermediateDirectories: true)
        try folder.write("logs/agent.log", String(repeating: "a line of the log\n", count: 20_000), mode: 0o644)
        try folder.write("logs/sub/<b>.log", "inner", mode: 0o644)
        for (link, target) in [("out", "../secret"), ("in", "agent.log"), ("root", "/")] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/logs/\(link)", withDestinationPath: target)
        }
        unsafe mkfifo(folder.path + "/logs/fifo", 0o600)
        let node = FakeNode()
        let path = folder.path + "/logs"
        try await withServer(node) { port async throws in
            #expect(try await ask(port, "/logs/", token: Tokens.admin)?.status == 404)
            node.state.withLock { $0.logDirectory = path }
            let listing = try #require(try await ask(port, "/logs/", token: Tokens.admin))
            #expect(listing.text == "agent.log\nsub/\n")
            #expect(listing.headers["content-type"] == "text/plain; charset=utf-8")
            #expect(try await ask(port, "/logs/sub/", token: Tokens.admin)?.text == "<b>.log\n")
            #expect(try await ask(port, "/logs/agent.log", token: Tokens.admin)?.body.count == 18 * 20_000)
            #expect(try await ask(port, "/logs/sub/%3Cb%3E.log", token: Tokens.admin)?.text == "inner")
            for name in ["out", "in", "root/etc/passwd", "fifo", "none", "agent.log/x", "sub/none"] {
                #expect(try await ask(port, "/logs/\(name)", token: Tokens.admin)?.status == 404, "\(name)")
            }
            for name in ["../secret", "%2e%2e/secret", "..%2fsecret", "sub/../../secret", "%00"] {
                #expect(try await ask(port, "/logs/\(name)", token: Tokens.admin)?.status == 400, "\(name)")
            }
        }
    }
}
