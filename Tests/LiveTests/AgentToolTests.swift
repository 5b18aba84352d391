// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import TestSupport
internal import Testing

@Suite("bulkheadd", .serialized, .needs(.root), .needs(.cgroup2), .needs(agentIsThere), .needs(.command("curl")))
struct AgentToolTests {
    @Test("A manifest becomes a pod, which is served, outlives the agent, is taken over, and goes with the manifest")
    func life() throws {
        let place = try AgentPlace()
        try place.start()
        try place.write("one.yaml", AgentPlace.pod("one", says: "first"))
        try #require(
            try eventually(.seconds(60)) { try place.phases() == ["one": "Running"] }, "\(place.scratch.text("log"))")
        let pod = try place.json("/pods")["items"][0]
        let name = try #require(pod["metadata"]["name"].text)
        #expect(pod["status"]["containerStatuses"][0]["ready"].bool == true)
        let before = try place.processes()
        #expect(before.count >= 2, "an init and its command")
        #expect(try eventually { try place.ask("/containerLogs/default/\(name)/app").text == "first\n" })

        // However the agent ends, the pod goes on, and the next agent knows it.
        for signal in [SIGKILL, SIGTERM] {
            let status = try place.end(signal)
            #expect(
                status == (signal == SIGKILL ? .killed(signal: SIGKILL) : .exited(0)), "\(place.scratch.text("log"))")
            #expect(try place.processes() == before)
            try place.start()
            #expect(try eventually { try place.phases() == [name: "Running"] })
            #expect(try place.processes() == before)
            #expect(try place.json("/pods")["items"][0]["status"]["containerStatuses"][0]["restartCount"].number == 0)
        }

        // What ends while nobody looks is started again by the next agent.
        try place.end(SIGKILL)
        // The end of the init is the command's, which may be gone before it is its turn.
        _ = try shell("kill -9 \(before.map(String.init).joined(separator: " ")) 2>/dev/null; true")
        try place.start()
        #expect(
            try eventually(.seconds(60)) {
                let status = try place.json("/pods")["items"][0]["status"]["containerStatuses"][0]
                return status["restartCount"].number == 1 && status["state"]["running"]["startedAt"].text != nil
            }, "\(place.scratch.text("log"))")
        #expect(try place.processes().isDisjoint(with: before))

        try place.remove("one.yaml")
        #expect(try eventually(.seconds(60)) { try place.phases().isEmpty })
        #expect(try place.processes().isEmpty)
        #expect(try place.end() == .exited(0))
    }

    @Test("Who may ask for what is the policy's: a token that may watch cannot execute")
    func access() throws {
        let place = try AgentPlace.withPod()
        let name = try #require(try place.phases().keys.first)
        #expect(try place.ask("/metrics", token: nil).code == 401)
        #expect(try place.ask("/metrics", token: "wrong").code == 401)
        #expect(try place.ask("/metrics", token: "monitoring-token").code == 200)
        #expect(try place.ask("/healthz/syncloop", token: "monitoring-token").text == "ok")
        #expect(try place.ask("/configz", token: "monitoring-token").code == 403)
        #expect(try place.ask("/configz").text.contains("\"cgroupRoot\": \"/\(place.root)\""))
        let upgrade =
            "--http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' "
            + "-H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Protocol: v5.channel.k8s.io'"
        let command = "/exec/default/\(name)/app?command=id&command=-u&output=1&error=1"
        #expect(try place.ask(command, token: "monitoring-token", upgrade).code == 403)
        // A client that may: the server's first frames are what the command says, and how it ended.
        let found = try shell(
            "curl -sSN -m 30 \(upgrade) -H 'Authorization: Bearer operator-token' 'http://127.0.0.1:\(place.port)\(command)'"
                + " | tr -d '\\000-\\011\\013-\\037\\200-\\377'")
        #expect(found.output.contains("0\n"), "\(found.output)")
        #expect(found.output.contains("\"status\":\"Success\""), "\(found.output)")
        #expect(!place.scratch.text("log").contains("operator-token"))
    }

    @Test("What it serves to monitoring is what promtool accepts", .needs(.command("promtool")))
    func metrics() throws {
        let place = try AgentPlace.withPod()
        let (code, text) = try place.ask("/metrics", token: "monitoring-token")
        #expect(code == 200)
        try place.scratch.file("metrics", text)
        let found = try shell("promtool check metrics <\(place.scratch.path("metrics"))")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        for name in [
            "kubelet_memory_qos_node_memory_min_bytes ", "kubelet_started_user_namespaced_pods_total 1",
            "job_controller_stale_sync_skips_total 0", "informer_store_resource_version{",
            "bulkhead_authorization_decisions_total{", "bulkhead_pods{phase=\"Running\"} 1",
        ] { #expect(text.contains(name), "\(name)\n\(text)") }
    }

    @Test("On SIGHUP tokens and policy are read again, and what is wrong changes nothing")
    func reload() throws {
        let place = try AgentPlace.withPod()
        let operators = "operator-token,ann,2,\"node-operators\"\n"
        try place.tokens(operators + "another-token,eve,3,\"node-operators\"\n")
        try place.send(SIGHUP)
        #expect(try eventually { try place.ask("/pods", token: "another-token").code == 200 })
        #expect(try place.ask("/metrics", token: "monitoring-token").code == 401)
        try place.scratch.file("policy", "kind: ClusterRol")
        try place.send(SIGHUP)
        #expect(eventually { place.scratch.text("log").contains("what was in force stays so") })
        #expect(try place.ask("/pods", token: "another-token").code == 200)
        // A file that was changed is not in force before it is asked for.
        try place.tokens(operators)
        #expect(try place.ask("/pods", token: "another-token").code == 200)
    }

    @Test("A manifest that is wrong is told, and what was in force stays so")
    func wrongManifest() throws {
        let place = try AgentPlace.withPod()
        let before = try place.processes()
        try place.write("one.yaml", AgentPlace.pod("one").replacing("hostUsers: false", with: "hostUsers: maybe"))
        try place.write("two.yaml", "kind: Nothing")
        let isTold = eventually {
            let log = place.scratch.text("log")
            return log.contains("spec.hostUsers") && log.contains("two.yaml")
        }
        #expect(isTold, "\(place.scratch.text("log"))")
        #expect(try eventually { try place.ask("/metrics").text.contains("\nbulkhead_manifest_problems 2\n") })
        #expect(try place.processes() == before)
    }

    @Test("A wrong command line says what is wrong with it")
    func usage() throws {
        for (arguments, code, reason) in [
            ("", 2, "--manifests"), ("--manifests m --state /s", 2, "beginning with /"),
            ("--best-effort --manifests /none/there --state /proc/none", 1, "none in /proc"),
            ("--manifests /m --listen 10250", 2, "ADDRESS:PORT"),
            ("--best-effort --manifests /m --listen 0.0.0.0:0", 1, "without TLS"),
            ("--manifests /m --tls-cert c", 2, "--tls-key"), ("--manifests /m --client-ca c", 2, "need TLS"),
            ("--manifests /m --image busybox", 2, "NAME=DIR"), ("--manifests /m --driver systemd", 2, "cgroupfs"),
            ("--manifests /m --root ../x", 2, "--root"), ("--best-effort --manifests /m --authz /none", 1, "/none"),
        ] {
            let state = arguments.contains("--state") ? "" : "--state $D/state"
            let scratch = try Scratch()
            let found = try shell("D=\(scratch.path); \(try #require(agentProgram)) \(arguments) \(state)")
            #expect(found.exit.status == .exited(Int32(code)), "\(arguments): \(found.output)")
            #expect(found.output.contains(reason), "\(arguments): \(found.output)")
        }
    }
}
