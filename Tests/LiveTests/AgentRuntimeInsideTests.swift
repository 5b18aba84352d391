// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeAgent
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// What a command inside wrote, and its code.
private func finish(_ execution: ContainerExecution) async -> (output: String, error: String, code: Int32) {
    var (output, error): ([UInt8], [UInt8]) = ([], [])
    for await piece in execution.output {
        switch piece {
        case .output(let bytes): output += bytes
        case .error(let bytes): error += bytes
        }
    }
    return (
        String(decoding: output, as: UTF8.self), String(decoding: error, as: UTF8.self), await execution.exitCode()
    )
}

@Suite("Commands inside a container of a node's pod", .needs(.idmappedMounts))
struct AgentRuntimeInsideTests {
    /// A pod that waits, which the body may use.
    private func withPod(
        _ uid: String, hostUsers: Bool = false, script: String = "sleep 1000", change: (inout Pod) -> Void = { _ in },
        _ body: (LinuxPodRuntime, Pod, RuntimePlace) async throws -> Void
    ) async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        var pod = scriptPod(uid, [("main", "echo ready; " + script)], hostUsers: hostUsers)
        change(&pod)
        try await runtime.prepare(pod)
        try await runtime.start("main", of: pod, attempt: 1)
        #expect(eventually { place.log(pod, "main").hasPrefix("ready\n") })
        try await body(runtime, pod, place)
        try await runtime.remove(uid)
    }

    @Test(
        "A command inside has the container's namespaces, root, control group and rights, and no more", .needs(.root),
        .needs(.cgroup2), arguments: [false, true])
    func rights(hostUsers: Bool) async throws {
        let look = """
            for kind in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$kind; done
            grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
            cat /proc/self/uid_map /proc/self/cgroup; hostname; pwd; ls -m /proc/self/fd; readlink /proc/1/exe || true;
            """
        // The same shell with the same script: what differs is how it came to be.
        try await withPod("rights", hostUsers: hostUsers, script: "{ \(look) } >/tmp/v/own; echo done; sleep 1000") {
            runtime, pod, place in
            #expect(eventually { place.log(pod, "main").hasSuffix("done\n") })
            let own = try String(contentsOfFile: place.shared("rights") + "/own", encoding: .utf8)
            #expect(own.contains("Seccomp:\t2") && own.contains("NoNewPrivs:\t1"))
            let inside = await finish(
                try await runtime.execute(["/bin/sh", "-c", "{ \(look) } >/tmp/v/inside"], in: "main", ofPod: "rights"))
            #expect(inside.code == 0, "\(inside.error)")
            #expect(try String(contentsOfFile: place.shared("rights") + "/inside", encoding: .utf8) == own)
        }
    }

    @Test(
        "A container cannot look into a command before it is its own, nor at the agent through it", .needs(.root),
        .needs(.cgroup2))
    func eyes() async throws {
        // Whatever appears in the container is looked at as often as can be, by its root.
        let spy = """
            while :; do
                for process in /proc/[0-9]*; do
                    case $process in /proc/1|/proc/$$$$) continue ;; esac
                    for place in exe root cwd; do
                        found=$(readlink $process/$place 2>/dev/null) && echo "$place $found"
                    done
                    ls -l $process/fd 2>/dev/null | grep -o '> .*'
                    tr '\\0' '\\n' <$process/environ 2>/dev/null
                done >>/tmp/v/seen
            done
            """
        try await withPod("eyes", script: spy) { runtime, _, place in
            for _ in 0..<scaled(50) {
                let found = await finish(
                    try await runtime.execute(["/bin/true"], in: "main", ofPod: "eyes"))
                #expect(found.code == 0)
            }
            let seen = try String(contentsOfFile: place.shared("eyes") + "/seen", encoding: .utf8)
            #expect(!seen.contains("bulkheadPackageTests"), "\(seen.prefix(2000))")
            #expect(!seen.contains("xctest") && !seen.contains(place.state) && !seen.contains("SWIFT"))
        }
    }

    @Test(
        "Input, output, error, code and end of a command reach its client", .needs(.root), .needs(.cgroup2))
    func streams() async throws {
        try await withPod("streams") { runtime, _, _ in
            let cat = try await runtime.execute(
                ["/bin/sh", "-c", "cat; echo end >&2; exit 5"], in: "main", ofPod: "streams", input: true)
            let text = String(repeating: "0123456789abcde\n", count: 20_000)
            async let written: Void = {
                try await cat.write(Array(text.utf8)); await cat.closeInput()
            }()
            let found = await finish(cat)
            try await written
            #expect(found.output == text)
            #expect(found.error == "end\n")
            #expect(found.code == 5)

            let terminal = try await runtime.execute(
                ["/bin/sh", "-c", "tty; stty size; read line; echo got $line; stty size"], in: "main", ofPod: "streams",
                input: true, terminal: true, size: TerminalSize(columns: 91, rows: 31))
            await terminal.resize(columns: 92, rows: 32)
            try await terminal.write(Array("word\n".utf8))
            let typed = await finish(terminal)
            #expect(typed.output.contains("/dev/pts/") && typed.output.contains("got word"), "\(typed.output)")
            #expect(typed.output.contains("32 92"), "\(typed.output)")
            #expect(typed.code == 0)

            // A command that holds its streams open through another still ends for its client, and a cancelled one dies.
            let leaving = try await runtime.execute(
                ["/bin/sh", "-c", "sleep 1000 & echo left"], in: "main", ofPod: "streams")
            #expect(await finish(leaving).output == "left\n")
            let endless = try await runtime.execute(["/bin/sleep", "1000"], in: "main", ofPod: "streams")
            await endless.cancel()
            #expect(await finish(endless).code == 137)

            await #expect(throws: PodRuntimeError.self) {
                _ = try await runtime.execute(["/bin/none"], in: "main", ofPod: "streams")
            }
            await #expect(throws: PodRuntimeError.self) {
                _ = try await runtime.execute(["/bin/true"], in: "other", ofPod: "streams")
            }
        }
    }

    @Test("Probes are asked inside: commands, connections, requests", .needs(.root), .needs(.cgroup2))
    func probes() async throws {
        try await withPod("probes") { runtime, pod, _ in
            func ask(_ action: Probe.Action, timeout: Duration = .seconds(20)) async -> Bool? {
                await runtime.ask(Probe(action, timeout: timeout), of: "main", in: pod)
            }
            #expect(await ask(.exec(["/bin/test", "-d", "/tmp/v"])) == true)
            #expect(await ask(.exec(["/bin/false"])) == false)
            #expect(await ask(.exec(["/bin/none"])) == false)
            #expect(await ask(.exec(["/bin/sleep", "1000"]), timeout: .milliseconds(200)) == false)
            // Nobody listens in the pod, whoever does on the host.
            #expect(await ask(.tcpSocket(port: 80, host: nil)) == false)
            #expect(await ask(.httpGet(.init(port: 80, isTLS: true))) == nil)
            #expect(await ask(.httpGet(.init(path: "/ HTTP/1.1\r\nX: y", port: 80))) == nil)
            #expect(await runtime.ask(Probe(.exec(["/bin/true"])), of: "none", in: pod) == nil)
        }
    }

    @Test(
        "A port of the pod is reached over its own loopback interface", .needs(.root), .needs(.cgroup2),
        .needs(.command("perl")))
    func ports() async throws {
        let server = """
            exec perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) or die; setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
            bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 9); open(F, ">", "/tmp/v/listens"); close(F);
            while (accept(C, S)) { my $line = <C> // ""; my $code = $line =~ m{GET /good } ? 204 : 503;
            syswrite(C, "HTTP/1.1 $code x\\r\\nConnection: close\\r\\n\\r\\n"); close(C) }'
            """
        try await withPod("ports", script: server) { runtime, pod, place in
            #expect(eventually { FileManager.default.fileExists(atPath: place.shared("ports") + "/listens") })
            func ask(_ action: Probe.Action) async -> Bool? {
                await runtime.ask(Probe(action, timeout: .seconds(20)), of: "main", in: pod)
            }
            #expect(await ask(.tcpSocket(port: 8080, host: nil)) == true)
            #expect(await ask(.tcpSocket(port: 8081, host: "127.0.0.1")) == false)
            #expect(await ask(.httpGet(.init(path: "/good", port: 8080))) == true)
            #expect(await ask(.httpGet(.init(path: "/bad", port: 8080))) == false)
        }
    }
}
